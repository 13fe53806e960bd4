import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packHeads, unpackHeads } from '../../../backend/src/adapters/history-items.ts'
import { admitReadings } from '../../../backend/src/core/history/device-head.ts'
import { decodeRecord } from '../../../backend/src/core/telemetry/decode-record.ts'
import { streamItem } from '../../../backend/src/testing/records.ts'
import { waitFor } from '../../support/wait.ts'
import { startBrokerBench, type BrokerBench } from './broker-bench.ts'
import { publishPacket } from './packets.ts'

const DEVICES = 10_000
const SECONDS = 60
/** IOT-6, a connection. */
const PER_SECOND = 100

let bench: BrokerBench
beforeAll(async () => {
  bench = await startBrokerBench()
})
afterAll(() => bench.iot.stop())

/** The alarms of it are `publishes-throttled` and `publishes-denied`, at three minutes of five. */
describe('10,000 new device ids in a minute from one credential (PAYLOAD-38)', () => {
  it('PAYLOAD-38: 100 a second are taken for as long as it lasts, the rest is counted, and no metric names a device', async () => {
    const client = await bench.client({})
    await client.next('connack')
    const metricsFrom = bench.iot.metrics.length
    const taken: number[] = []
    for (let second = 0; second < SECONDS; second++) {
      const before = bench.telemetry().length
      const [from, to] = [second, second + 1].map((n) => Math.floor((n * DEVICES) / SECONDS))
      for (let n = from!; n < to!; n++) {
        client.write(publishPacket({ topic: `dt/plant-1/new-${n}/telemetry` }, { a: 1 }))
      }
      client.send({ cmd: 'pingreq' })
      await waitFor(
        () => client.received.filter(({ cmd }) => cmd === 'pingresp').length > second || undefined,
        'the answer to the ping',
      )
      taken.push(bench.telemetry().length - before)
      await bench.iot.clock.advance(1_000)
    }
    client.destroy()
    expect(taken).toEqual(Array.from({ length: SECONDS }, () => PER_SECOND))
    const metrics = bench.iot.metrics.slice(metricsFrom)
    const throttled = metrics.filter(({ name }) => name === 'PublishIn.Throttle')
    expect(throttled.length).toBeGreaterThanOrEqual(SECONDS - 1)
    const refused = throttled.reduce((sum, { count = 1 }) => sum + count, 0)
    expect(refused).toBe(DEVICES - SECONDS * PER_SECOND)
    const dimensions = new Set(metrics.flatMap(({ dimensions }) => Object.keys(dimensions)))
    expect([...dimensions].sort()).toEqual(['ActionType', 'Protocol', 'RuleName'])
  })

  it('PAYLOAD-38: of more devices than fit their item a lane keeps the place of the newest', () => {
    const topicOf = (n: number) => `plant-1/new-${n}` as const
    const heads = new Map(
      Array.from({ length: DEVICES }, (_, n) => {
        const decoded = decodeRecord(
          streamItem(
            n,
            { n, boot: 'b', metrics: { a: n } },
            { topic: `dt/${topicOf(n)}/telemetry` },
          ),
        )
        const readings = decoded.kind === 'telemetry' ? decoded.readings : []
        return [topicOf(n), admitReadings(undefined, readings).head]
      }),
    )
    const item = packHeads(heads)
    expect(Buffer.byteLength(item)).toBeLessThan(400 * 1_024)
    const kept = [...unpackHeads(item).keys()]
    expect(kept.length).toBeGreaterThan(1_000)
    expect(kept).toEqual(kept.map((_, i) => topicOf(DEVICES - 1 - i)))
  })
})
