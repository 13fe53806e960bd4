import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { mintToken, ProtocolClient } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { runStart, startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const topic = 'plant-1/full'
let directory: string
let disk: SmallDisk | undefined
let running: RunningSystem | undefined

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gaugeline-disk-'))
})
afterEach(async () => {
  await running?.kill()
  running = undefined
  disk?.unmount()
  disk = undefined
  rmSync(directory, { recursive: true, force: true })
})

function mount(
  context: TestContext,
  options: { megabytes: number; readOnly?: boolean },
): SmallDisk {
  const mounted = mountSmallDisk(join(directory, 'data'), options)
  if (typeof mounted === 'string') context.skip(mounted)
  disk = mounted
  return disk
}

async function start(dataDir: string): Promise<RunningSystem> {
  const stateDir = mkdtempSync(join(directory, 'state-'))
  running = await startSystem({ stateDir, args: ['--data-dir', dataDir] })
  return running
}

/** Whether the broker acknowledges it; false when the connection ends instead. */
function isAcknowledged(device: MqttClient, number: number): Promise<boolean> {
  return new Promise((resolve) => {
    device.once('close', () => {
      resolve(false)
    })
    publishReading(device, topic, { number }).then(
      () => {
        resolve(true)
      },
      () => undefined,
    )
  })
}

async function publish(system: RunningSystem, number: number): Promise<boolean> {
  const device = await connectMqtt(system.endpoints.mqtt)
  device.on('error', () => undefined)
  const outcome = await isAcknowledged(device, number)
  device.end(true)
  return outcome
}

/** What still fits behind the last line of the log is acknowledged and kept, until the disk is looked at again. Returns those. */
async function publishUntilRefused(system: RunningSystem, from: number): Promise<number[]> {
  const acknowledged: number[] = []
  while (await publish(system, from + acknowledged.length)) {
    acknowledged.push(from + acknowledged.length)
    if (acknowledged.length >= 500) throw new Error('a full disk takes one reading after the other')
  }
  return acknowledged
}

async function numbersKept({ stateDir, endpoints }: RunningSystem): Promise<unknown[]> {
  const token = await mintToken(stateDir, { user: 'ana', role: 'viewer', devices: 'plant-1/#' })
  const client = await ProtocolClient.connect(endpoints.websocket, token)
  const to = Date.now() + 1000
  const page = await client.request({ action: 'history', topic, from: to - 600_000, to }, 'history')
  client.socket.terminate()
  return (page.blocks ?? []).flatMap((block) => [...(block.metrics['number'] ?? [])])
}

/** Waits for so many; a function that failed because its tables were being opened anew is asked again. */
async function keepsReadings(system: RunningSystem, count: number): Promise<void> {
  await waitFor(
    async () => (await numbersKept(system).catch(() => [])).length === count,
    `${count} readings in the history`,
    60_000,
  )
}

const linesOf = (output: string, word: string): string[] =>
  output.split('\n').filter((line) => line.includes(word))

describe('npm start with --data-dir on a disk that', { timeout: 300_000 }, () => {
  it('becomes full: says so once, acknowledges nothing more, goes on by itself when there is room, and loses nothing', async (context) => {
    const small = mount(context, { megabytes: 80 })
    let system = await start(small.path)
    expect(await publish(system, 1)).toBe(true)
    await keepsReadings(system, 1)

    small.fill()
    const acknowledged = [1, ...(await publishUntilRefused(system, 2))]
    expect(await publish(system, 1_000)).toBe(false)
    // A connection writes to the tables: what the functions do fails, and nothing else.
    await numbersKept(system).catch(() => undefined)
    expect(linesOf(system.output(), 'disk is full')).toEqual([
      `  --data-dir ${small.path}: the disk is full (ENOSPC); readings are refused until there is room. Free at least 24 MB.`,
    ])

    small.free()
    await waitFor(() => linesOf(system.output(), 'there is room again').length > 0, 'room')
    expect(await publish(system, 1_001)).toBe(true)
    await keepsReadings(system, acknowledged.length + 1)
    expect(system.output()).not.toContain('something is wrong')

    await system.kill()
    system = await start(small.path)
    expect(await numbersKept(system)).toEqual([...acknowledged, 1_001])
    expect(await system.stop()).toBe(0)
  })

  it('is full at the start: ends with one line', async (context) => {
    const small = mount(context, { megabytes: 1 })
    small.fill()
    const { code, output } = await runStart([
      ...['--port', '0', '--mqtt-port', '0', '--state-dir', join(directory, 'state')],
      ...['--data-dir', small.path],
    ])
    expect(code).toBe(1)
    expect(linesOf(output, 'npm start:')).toEqual([
      `npm start: --data-dir ${small.path} cannot be written (ENOSPC); free some space there`,
    ])
    expect(output).not.toMatch(/^\s+at /m)
  })

  it('cannot be written: ends with one line', async (context) => {
    const small = mount(context, { megabytes: 1, readOnly: true })
    const { code, output } = await runStart([
      ...['--port', '0', '--mqtt-port', '0', '--state-dir', join(directory, 'state')],
      ...['--data-dir', small.path],
    ])
    expect(code).toBe(1)
    expect(linesOf(output, 'npm start:')).toEqual([
      `npm start: --data-dir ${small.path} cannot be written (EROFS); choose a directory of yours with --data-dir`,
    ])
  })
})
