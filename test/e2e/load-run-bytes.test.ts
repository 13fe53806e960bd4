import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { run } from '../../simulator/src/cli.ts'
import { ScriptedBroker, type Script } from '../support/load-brokers.ts'

const directory = mkdtempSync(join(tmpdir(), 'gaugeline-bytes-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
let files = 0

interface Sent {
  readonly n: number
  readonly text: string
  readonly withoutTime: string
}

/** What each device sent, in the order of its counter. */
async function sent(
  scenario: string,
  { script, flags = [] }: { script?: Script; flags?: readonly string[] } = {},
): Promise<Map<string, Sent[]>> {
  const broker = await new ScriptedBroker(script).start()
  const name = `bytes-${++files}.yaml`
  writeFileSync(join(directory, name), scenario)
  await run(['run', name, '--mqtt', broker.url, ...flags], {
    out: () => undefined,
    err: () => undefined,
    signal: new AbortController().signal,
    directory,
  })
  broker.stop()
  const devices = new Map<string, Sent[]>()
  for (const { topic, payload } of broker.published) {
    const parsed = JSON.parse(payload) as object | object[]
    for (const reading of Array.isArray(parsed) ? parsed : [parsed]) {
      const { ts: _, boot: __, ...rest } = reading as { ts: number; boot: string; n: number }
      const one = { n: rest.n, text: JSON.stringify(reading), withoutTime: JSON.stringify(rest) }
      devices.set(topic, [...(devices.get(topic) ?? []), one])
    }
  }
  for (const readings of devices.values()) readings.sort((a, b) => a.n - b.n)
  return devices
}

const scenario = (fleets: string): string => `version: 1
name: bytes
stages: [{ name: a, duration: 1500ms }, { name: b, duration: 1500ms, rate: 2x }]
generator: { maxLag: 60s }
fleets:
  a: { profile: climate, site: p, count: 3, id: 'a-{index}', interval: 100ms }
${fleets}`
const small = scenario('')
/** More devices of the same site, of another profile with a channel of the same name, so that joins shift too. */
const large = scenario(
  "  b: { profile: pump, site: p, count: 40, id: 'b-{index}', interval: 100ms }\n",
)

/** Compares the readings that both runs sent, by counter. */
function expectSame(
  one: Map<string, Sent[]>,
  other: Map<string, Sent[]>,
  as: 'text' | 'withoutTime',
): void {
  for (const id of ['a-1', 'a-2', 'a-3']) {
    const topic = `dt/p/${id}/telemetry`
    const second = new Map((other.get(topic) ?? []).map((reading) => [reading.n, reading[as]]))
    const common = (one.get(topic) ?? []).filter(({ n }) => second.has(n))
    expect(common.length).toBeGreaterThan(20)
    expect(common.map((reading) => reading[as])).toEqual(common.map(({ n }) => second.get(n)))
  }
}

const start = ['--start', '2026-03-01T08:00:00Z'] as const

it('the same seed sends the same bytes, whatever else is in the fleet and however often the link falls', async () => {
  let published = 0
  const falls: Script = ({ cmd }, { clientId, socket }) => {
    if (cmd !== 'publish' || clientId !== 'a-1' || ++published % 7 !== 0) return true
    socket.destroy()
    return false
  }
  const [one, other] = [
    await sent(small, { flags: start }),
    await sent(large, { flags: start, script: falls }),
  ]
  expectSame(one, other, 'text')
})

it('without --start everything but the time and the boot that it is part of is the same', async () => {
  const [one, other] = [await sent(small), await sent(large)]
  expectSame(one, other, 'withoutTime')
})

it('another seed sends other bytes', async () => {
  const [one, other] = [
    await sent(small, { flags: start }),
    await sent(small, { flags: [...start, '--seed', '7'] }),
  ]
  const topic = 'dt/p/a-1/telemetry'
  expect(one.get(topic)?.[5]?.withoutTime).not.toBe(other.get(topic)?.[5]?.withoutTime)
})
