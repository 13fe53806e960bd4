import { describe, expect, it } from 'vitest'
import { settled } from './manual-clock.ts'
import { history, isDevice, scriptedTelemetry, snapshot, topic } from './scripted-client.ts'
import { at, block } from './test-blocks.ts'

describe('watched devices', () => {
  it('puts a device with an open chart into complete mode, once for all its users', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    const first = telemetry.watch(topic, 300_000)
    const second = telemetry.watch(topic, 300_000)
    await settled()
    expect(client.asked.filter(isDevice)).toHaveLength(1)
    expect(telemetry.feed(topic)?.series.length).toBe(10)
    first()
    second()
    await clock.advance(19_000)
    expect(client.askedFor('unsubscribe')).toHaveLength(0)
    await clock.advance(2_000)
    expect(client.askedFor('unsubscribe')).toMatchObject([{ sids: [1_000] }])
  })

  it('finds a lost tail by the heads of a pong', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (isDevice(asked)) return snapshot(10)
      return asked.action === 'history' ? history([block(11, 12)]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({
      type: 'pong',
      id: 1,
      t0: 0,
      t1: 0,
      t2: 0,
      heads: { [topic]: at(12) },
      alarmsRevision: 0,
    })
    await clock.advance(500)
    expect(telemetry.feed(topic)?.position).toBe(at(12))
    expect(telemetry.feed(topic)?.series.length).toBe(12)
  })

  it('resumes from its position and says what came back', async () => {
    let round = 0
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (!isDevice(asked)) return undefined
      round++
      return round === 1 ? snapshot(10) : snapshot(18, 11)
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.change({ phase: 'reconnecting', lostAt: clock.now() })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ reason: 'socket-down', state: 'open' }])
    await clock.advance(8_000)
    await client.ready()
    const [, resume] = client.asked.filter(isDevice)
    expect(resume!['subscriptions']).toMatchObject([{ sid: 1_000, since: at(10) }])
    expect(telemetry.recovery).toMatchObject({ readings: 8, lostMs: 0 })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'repaired', repaired: 8 }])
  })

  it('asks at once for the head when the server announces a gap, and closes it when nothing is missing', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'gap', sid: 1_000, topic, reason: 'slow' })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ reason: 'slow', state: 'open' }])
    expect(client.askedFor('ping')).toHaveLength(1)
    const heads = { [topic]: at(10) }
    client.push({ type: 'pong', id: 1, t0: 0, t1: 0, t2: 0, heads, alarmsRevision: 0 })
    await clock.advance(500)
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'repaired', repaired: 0 }])
  })
})
