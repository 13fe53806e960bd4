import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWorld, type World } from './world.ts'

const START_MS = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000

let directory: string
let told: string[]
let world: World | undefined

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gaugeline-restart-'))
  told = []
})
afterEach(async () => {
  await world?.stop()
  world = undefined
  rmSync(directory, { recursive: true, force: true })
})

/** The system as it is after a start so many hours later. */
async function startAt(hours: number, properties: Record<string, unknown> = {}): Promise<World> {
  await world?.stop()
  world = await createWorld({
    directory,
    startMs: START_MS + hours * HOUR_MS,
    tell: (line) => told.push(line),
  })
  await world.map(properties)
  return world
}

const delivered = ({ calls }: World): string[] => calls.flatMap((call) => call.texts)
const logDirectory = (): string => join(directory, 'kinesis/readings/shardId-000000000000')
const logs = (): string[] => readdirSync(logDirectory()).map((name) => join(logDirectory(), name))

/** Puts them one after another and lets them be delivered. */
async function deliver(to: World, ...texts: string[]): Promise<string[]> {
  const sequenceNumbers: string[] = []
  for (const text of texts) sequenceNumbers.push(...(await to.put('a', text)))
  await to.clock.advance(1000)
  return sequenceNumbers
}

describe('a mapping after a restart', () => {
  it.each(['TRIM_HORIZON', 'LATEST'])(
    'delivers what comes after every record has expired and a start received nothing (%s)',
    async (StartingPosition) => {
      const [last] = (await deliver(await startAt(0, { StartingPosition }), '1', '2')).slice(-1)
      const second = await startAt(30, { StartingPosition })
      await second.clock.advance(2 * 60_000)
      const third = await startAt(31, { StartingPosition })
      const [next] = await deliver(third, '3')
      expect(delivered(third)).toEqual(['3'])
      expect(BigInt(next!)).toBeGreaterThan(BigInt(last!))
    },
  )

  it('keeps one file when it is started again and again and receives nothing', async () => {
    await deliver(await startAt(0), '1')
    for (let hours = 30; hours < 40; hours++) {
      const idle = await startAt(hours)
      await idle.clock.advance(2 * 60_000)
    }
    // The last record's and the one that is open.
    expect(logs()).toHaveLength(2)
  })

  it('goes on from the end of the shard when the stream has lost what was delivered already', async () => {
    await deliver(await startAt(0), '1', '2', '3')
    await world!.stop()
    // A power cut: the checkpoint reached the disk, the end of the log did not.
    const [file] = logs()
    const lines = readFileSync(file!, 'utf8').split('\n')
    writeFileSync(file!, `${lines[0]}\n`)
    world = undefined
    const second = await startAt(1)
    await deliver(second, '4', '5')
    expect(delivered(second)).toEqual(['4', '5'])
  })

  it('tells the file and the place of a damaged record and delivers the others', async () => {
    world = await createWorld({ directory, startMs: START_MS })
    for (const text of ['one', 'two', 'three']) await world.put('a', text)
    await world.stop()
    world = undefined
    const [file] = logs()
    const bytes = readFileSync(file!)
    const secondLine = bytes.indexOf('\n') + 1
    bytes[secondLine + 40]! ^= 1
    writeFileSync(file!, bytes)
    const after = await startAt(1)
    await deliver(after, 'four')
    expect(delivered(after)).toEqual(['one', 'three', 'four'])
    expect(told).toEqual([
      `${file}: a record is damaged at byte ${secondLine} (the checksum does not match): left out, everything else is there. Restore the file from a copy if you have one.`,
    ])
  })

  it('leaves out in silence the line that a killed process did not finish', async () => {
    world = await createWorld({ directory, startMs: START_MS })
    for (const text of ['one', 'two']) await world.put('a', text)
    await world.stop()
    world = undefined
    const [file] = logs()
    writeFileSync(file!, readFileSync(file!).subarray(0, -10))
    const after = await startAt(1)
    await deliver(after, 'three')
    expect(delivered(after)).toEqual(['one', 'three'])
    expect(told).toEqual([])
  })

  it.each([
    ['cut', (text: string) => text.slice(0, 20)],
    ['empty', () => ''],
    ['changed', (text: string) => text.replace(/"createdMs":1/, '"createdMs":2')],
  ])('refuses by name a stream.json that was %s', async (_, damage) => {
    await startAt(0)
    await world!.stop()
    world = undefined
    const file = join(directory, 'kinesis/readings/stream.json')
    writeFileSync(file, damage(readFileSync(file, 'utf8')))
    await expect(startAt(1)).rejects.toMatchObject({
      code: 'DATA_DIR_STREAM',
      message: expect.stringContaining(`${file} cannot be read`) as string,
    })
  })
})

describe('a wall clock that is set back an hour', () => {
  it('stops neither the stream nor its mapping, and arrival times do not go back', async () => {
    const running = await startAt(0)
    await deliver(running, '1')
    running.clock.step(-HOUR_MS)
    await deliver(running, '2', '3')
    expect(delivered(running)).toEqual(['1', '2', '3'])
    const arrivals = running.calls.flatMap(({ records }) =>
      records.map(({ kinesis }) => kinesis.approximateArrivalTimestamp),
    )
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b))
  })

  it('set forward seven hours, discards nothing that is younger than its age', async () => {
    const running = await startAt(0, { MaximumRecordAgeInSeconds: 3600 })
    running.behave(() => ({ functionError: 'Unhandled' }))
    await deliver(running, '1')
    running.clock.step(7 * HOUR_MS)
    running.behave(() => undefined)
    await running.clock.advance(10_000)
    expect(delivered(running).at(-1)).toBe('1')
    expect(running.calls.at(-1)?.texts).toEqual(['1'])
  })
})
