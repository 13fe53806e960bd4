import { describe, expect, it } from 'vitest'
import { settled } from './manual-clock.ts'
import {
  history,
  isDevice,
  scriptedTelemetry,
  snapshot,
  subscribed,
  topic,
} from './scripted-client.ts'
import { RequestFailed } from './stream-client.ts'
import { at, block } from './test-blocks.ts'

describe('complete subscriptions', () => {
  it('takes a push that runs ahead of the resume for no further gap and asks for nothing twice', async () => {
    let round = 0
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (!isDevice(asked)) return undefined
      round++
      if (round === 2) client.push({ type: 'data', blocks: [block(18)] })
      return round === 1 ? snapshot(10) : snapshot(18, 11)
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.change({ phase: 'reconnecting' })
    await client.ready()
    await clock.advance(2_000)
    expect(client.askedFor('history')).toHaveLength(0)
    expect(telemetry.feed(topic)?.gaps).toMatchObject([
      { reason: 'socket-down', state: 'repaired' },
    ])
    expect(telemetry.feed(topic)?.series.length).toBe(18)
  })

  it('says what a resume could not bring, and why', async () => {
    let round = 0
    const { client, telemetry } = scriptedTelemetry((asked) => {
      if (!isDevice(asked)) return undefined
      round++
      if (round === 1) return snapshot(10)
      const lost = {
        reason: 'retention' as const,
        fromMs: 1_700_000_010_000,
        toMs: 1_700_000_030_000,
      }
      return subscribed({
        results: [{ sid: 1_000, ok: true, recovered: false, lost, more: false, head: at(40) }],
        blocks: [block(31, 40)],
      })
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.change({ phase: 'reconnecting' })
    await client.ready()
    expect(telemetry.recovery).toMatchObject({ lostMs: 20_000, reason: 'retention' })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'lost', reason: 'retention' }])
  })

  it('never resumes from newest values: they are no place up to which everything is held', async () => {
    const { client, telemetry } = scriptedTelemetry((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    client.push({ type: 'data', blocks: [{ ...block(18, 20), sid: 1, thinned: true }] })
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [{ ...block(28, 30), sid: 1, thinned: true }] })
    client.change({ phase: 'reconnecting' })
    await client.ready()
    const asked = client
      .askedFor('subscribe')
      .flatMap((one) => one['subscriptions'] as { mode: string; since?: string }[])
    const sinceOf = (mode: string) =>
      asked.filter((one) => one.mode === mode).map(({ since }) => since)
    expect(sinceOf('latest')).toEqual([undefined, undefined, undefined, undefined])
    expect(sinceOf('complete')).toEqual([undefined, at(10)])
  })

  it('keeps the sentence of a refused subscription', async () => {
    const { client, telemetry } = scriptedTelemetry((asked) =>
      isDevice(asked)
        ? subscribed({
            results: [
              { sid: 1_000, ok: false, code: 'FORBIDDEN', message: 'Not yours.', retry: 'never' },
            ],
          })
        : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    expect(telemetry.denied.get(topic)).toBe('Not yours.')
  })

  it('asks again as late as the server says', async () => {
    let refusals = 0
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (!isDevice(asked)) return undefined
      refusals++
      return refusals === 1 ? new RequestFailed('RATE_LIMITED', 'Later.', 800) : snapshot(10)
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await clock.advance(799)
    expect(telemetry.feed(topic)?.series.length).toBe(0)
    await clock.advance(1)
    expect(telemetry.feed(topic)?.series.length).toBe(10)
  })

  it('misses the first reading of a device that had never sent, names it in a ping, and resumes from nothing', async () => {
    const never = subscribed({
      results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: null }],
    })
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (isDevice(asked)) return never
      return asked.action === 'history' ? history([block(1, 2, { prev: null })]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    expect(client.positions()).toHaveProperty([topic])
    await client.ready()
    expect(client.askedFor('subscribe').filter(isDevice).at(-1)).toMatchObject({
      subscriptions: [expect.not.objectContaining({ since: expect.anything() as unknown })],
    })
    client.push({ type: 'data', blocks: [block(3)] })
    await clock.advance(500)
    expect(client.askedFor('history')).toMatchObject([{ until: at(2) }])
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(3) })
    expect(telemetry.feed(topic)?.series.length).toBe(3)
  })

  it('asks for nothing when the first reading of a device comes', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) =>
      isDevice(asked)
        ? subscribed({
            results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: null }],
          })
        : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(1, 1, { prev: null })] })
    await clock.advance(1_000)
    expect(client.askedFor('history')).toEqual([])
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(1) })
  })
})
