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
import { at, block } from './test-blocks.ts'

describe('hole repair', () => {
  it('asks for a hole after a moment, page by page, and fills it', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (isDevice(asked)) return snapshot(10)
      if (asked.action !== 'history') return undefined
      return asked['cursor'] === undefined
        ? history([block(11, 12)], { cursor: 'next' })
        : history([block(13, 14)])
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(15)] })
    expect(client.askedFor('history')).toHaveLength(0)
    await clock.advance(500)
    expect(client.askedFor('history')).toMatchObject([
      { since: at(10), until: at(14) },
      { cursor: 'next' },
    ])
    expect(telemetry.feed(topic)?.series.length).toBe(15)
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'repaired', repaired: 4 }])
  })

  it('asks for nothing when pushes only overtook each other', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(12)] })
    client.push({ type: 'data', blocks: [block(11)] })
    await clock.advance(1_000)
    expect(client.askedFor('history')).toHaveLength(0)
    expect([...telemetry.feed(topic)!.series.view('temperature').values].slice(-2)).toEqual([
      11, 12,
    ])
  })

  it('asks for four pages at once when many devices have missed something', async () => {
    const answers: ((page: Record<string, unknown>) => void)[] = []
    const { client, telemetry } = scriptedTelemetry((asked) => {
      if (asked.action === 'history') return new Promise((resolve) => answers.push(resolve))
      if (!isDevice(asked)) return undefined
      const missed = { ok: true, recovered: true, more: true, resumeFrom: at(1), head: at(10) }
      const subscriptions = asked['subscriptions'] as { sid: number }[]
      return { ...subscribed({}), results: subscriptions.map(({ sid }) => ({ sid, ...missed })) }
    })
    for (let n = 1; n <= 6; n++) telemetry.watch(`plant-1/pump-${n}`, 300_000)
    const ready = client.ready()
    await settled()
    expect(answers).toHaveLength(4)
    for (const answer of answers) answer(history([]))
    await settled()
    expect(answers).toHaveLength(6)
    for (const answer of answers) answer(history([]))
    await ready
    const asked = client.askedFor('history').map((question) => question['topic'])
    expect(asked).toEqual([1, 2, 3, 4, 5, 6].map((n) => `plant-1/pump-${n}`))
  })

  it('takes a block without `prev` for one behind a hole, and asks for what lies before it', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (isDevice(asked)) return snapshot(10)
      return asked.action === 'history' ? history([block(11, 13)]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(14, 14, { prev: null })] })
    expect(telemetry.feed(topic)?.holes).toEqual([{ since: at(10), until: at(14) }])
    await clock.advance(500)
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(14) })
    expect([...telemetry.feed(topic)!.series.view('temperature').values]).toEqual(
      Array.from({ length: 14 }, (_, i) => i + 1),
    )
  })

  it('asks for many small holes at once, and at its own pace while the server holds readings back', async () => {
    const { client, clock, telemetry } = scriptedTelemetry((asked) => {
      if (isDevice(asked)) return snapshot(10)
      return asked.action === 'history' ? history([block(11, 15)]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'slow', mode: 'latest' })
    for (const n of [12, 14, 16]) {
      client.push({ type: 'data', blocks: [block(n)] })
      await clock.advance(1_000)
    }
    expect(client.askedFor('history')).toEqual([])
    await clock.advance(5_000)
    expect(client.askedFor('history')).toMatchObject([{ since: at(10), until: at(15) }])
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(16) })
  })
})
