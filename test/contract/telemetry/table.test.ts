import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait.ts'
import { startBrokerBench, type BrokerBench } from './broker-bench.ts'
import { clientRows } from './client-rows.ts'
import { deliver } from './deliver-bench.ts'
import { publishPacket } from './packets.ts'
import { payloadRows } from './payload-rows.ts'
import type { Outcome, TableRow } from './row.ts'
import { sequenceRows } from './sequence-rows.ts'
import { topicRows } from './topic-rows.ts'

/** What a device or a stranger may send, and what becomes of it: docs/facts/payloads.md. */
const table: readonly TableRow[] = [...topicRows, ...payloadRows, ...sequenceRows, ...clientRows]

let bench: BrokerBench
beforeAll(async () => {
  bench = await startBrokerBench()
})
afterAll(() => bench.iot.stop())

/** Sends what a row says to a real broker, and what reaches the stream to `deliver`. */
async function fateOf(row: TableRow): Promise<Outcome | 'connected'> {
  if (row.bytes) return await refusalOf(await bench.greet(row.bytes))
  if (row.connect?.version === 5) return await refusalOf(await bench.greet(bench.connectPacket(5)))
  const before = bench.telemetry().length
  const client = await bench.client(row)
  try {
    const connack = await client.next('connack').catch(() => undefined)
    if (connack?.cmd !== 'connack') return await refusalOf('closed')
    if (connack.returnCode !== 0 || row.connect) return await refusalOf(connack.returnCode ?? 0)
    if (row.will !== undefined) return await lastWords(row, client, before)
    if (row.subscribe !== undefined) {
      const subscriptions = [{ topic: row.subscribe, qos: 0 as const }]
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    }
    if (row.qos === 2) return await silenceOn(row, client, before)
    for (const payload of row.payloads ?? (row.subscribe === undefined ? [row.payload] : [])) {
      client.write(publishPacket(row, payload))
    }
    const isAnswered = await answers(client, row)
    const puts = bench.telemetry().slice(before)
    if (!isAnswered) return puts.length > 0 ? 'connected' : await ended()
    return puts.length > 0 ? await deliver(puts, row.outcome) : 'unmatched'
  } finally {
    client.destroy()
  }
}

type Client = Awaited<ReturnType<BrokerBench['client']>>

/** Whether everything was acknowledged; false when the broker hung up. */
function answers(
  client: Client,
  { subscribe, payloads = [undefined] }: TableRow,
): Promise<boolean> {
  const cmd = subscribe === undefined ? 'puback' : 'suback'
  const isClosed = client.closed().then(() => false)
  const all = waitFor(
    () =>
      client.received.filter((packet) => packet.cmd === cmd).length === payloads.length ||
      undefined,
    'the acknowledgements',
  )
  return Promise.race([isClosed, all])
}

async function silenceOn(row: TableRow, client: Client, before: number): Promise<Outcome> {
  client.write(publishPacket(row, row.payload))
  client.send({ cmd: 'pingreq' })
  await client.next('pingresp')
  const answered = client.received.map((packet) => packet.cmd)
  expect([answered, bench.telemetry().length]).toEqual([['connack', 'pingresp'], before])
  const [counted = ''] = await bench.refusals()
  return { unanswered: counted }
}

/** The client is lost, and what it left as its will is what there is. */
async function lastWords(row: TableRow, client: Client, before: number): Promise<Outcome> {
  client.destroy()
  const left = await bench.disconnectReason()
  if (typeof row.outcome === 'object' && 'disconnected' in row.outcome) {
    expect(bench.telemetry()).toHaveLength(before)
    return ended()
  }
  await waitFor(() => bench.telemetry().length > before || undefined, 'the will')
  const outcome = await deliver(bench.telemetry().slice(before), row.outcome)
  return typeof outcome === 'object' && 'readings' in outcome ? { ...outcome, left } : outcome
}

async function refusalOf(refused: number | 'closed'): Promise<Outcome | 'connected'> {
  if (refused === 0) return 'connected'
  const [counted] = await bench.refusals()
  return { refused, ...(counted === undefined ? {} : { counted }) }
}

async function ended(): Promise<Outcome> {
  const disconnected = await bench.disconnectReason()
  const [counted] = await bench.refusals()
  return { disconnected, ...(counted === undefined ? {} : { counted }) }
}

describe('what a device or a stranger may send (docs/facts/payloads.md)', () => {
  it.each(table.map((row) => [`${row.id}: ${row.what} (${row.by})`, row] as const))(
    '%s',
    async (_name, row) => {
      bench.forgetPresence()
      await bench.refusals()
      bench.iot.told.length = 0
      const told =
        typeof row.outcome === 'object' && 'told' in row.outcome ? row.outcome.told : undefined
      const outcome = await fateOf(row)
      expect(outcome).toEqual(told ? { ...(row.outcome as object), told: undefined } : row.outcome)
      // What is refused or comes to nothing is said once at the terminal; what goes through is not.
      if (told) expect(bench.iot.told).toEqual([expect.stringMatching(told)])
      else expect(bench.iot.told.length).toBeLessThanOrEqual(1)
      expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    },
  )

  it('the table has every row of the reference', () => {
    const ids = new Set(table.map((row) => row.id))
    const all = Array.from({ length: 39 }, (_, i) => `PAYLOAD-${i + 1}`)
    expect([...ids].sort()).toEqual(all.sort())
  })

  it('docs/telemetry.md says of every reason what it means', () => {
    const page = readFileSync(new URL('../../../docs/telemetry.md', import.meta.url), 'utf8')
    const explained = [...page.matchAll(/^\| `([A-Z_0-9]+)`/gm)].map(([, code]) => code)
    const reasons = table.flatMap(({ outcome }) =>
      typeof outcome === 'object' && 'rejected' in outcome ? [outcome.rejected] : [],
    )
    expect(explained).toEqual(expect.arrayContaining(reasons))
  })

  it('PAYLOAD-37: the same CONNECT in MQTT 3.1.1 is accepted', async () => {
    expect(await bench.greet(bench.connectPacket(4))).toBe(0)
  })

  it('PAYLOAD-39: whoever comes again and again is told of once a minute', async () => {
    await bench.iot.clock.advance(60_000)
    bench.iot.told.length = 0
    const request = Buffer.from('GET / HTTP/1.1\r\n\r\n')
    for (let i = 0; i < 5; i++) expect(await bench.greet(request)).toBe('closed')
    expect(bench.iot.told).toHaveLength(1)
    await bench.iot.clock.advance(60_000)
    await bench.greet(request)
    expect(bench.iot.told).toHaveLength(2)
  })
})
