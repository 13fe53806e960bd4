import { describe, expect, it } from 'vitest'
import { settled } from './manual-clock.ts'
import { isDevice, scriptedTelemetry, snapshot, subscribed, topic } from './scripted-client.ts'
import { at, block } from './test-blocks.ts'

describe('telemetry', () => {
  it('takes for a chart only the blocks of its own subscription', async () => {
    const { client, telemetry } = scriptedTelemetry((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(14, 14, { sid: 1, thinned: true }), block(11)] })
    expect(telemetry.feed(topic)?.series.length).toBe(11)
    expect(telemetry.feed(topic)?.holes).toEqual([])
    expect(telemetry.fleet.get(topic)?.values.get('temperature')).toBe(14)
  })

  it('asks for the fleet again when a link that could not follow can again: presence is not kept for it', async () => {
    let online = true
    const { client, telemetry } = scriptedTelemetry((asked) =>
      asked.action === 'subscribe'
        ? subscribed({
            states: [{ topic, position: at(10), ts: 1_000, metrics: {}, online, onlineAt: 1_000 }],
          })
        : undefined,
    )
    await client.ready()
    await settled()
    const before = client.askedFor('subscribe').length
    client.push({ type: 'slow', mode: 'latest' })
    online = false
    await settled()
    expect(client.askedFor('subscribe')).toHaveLength(before)
    expect(telemetry.fleet.get(topic)?.online).toBe(true)
    client.push({ type: 'slow', mode: 'complete' })
    await settled()
    expect(client.askedFor('subscribe')).toHaveLength(before + 1)
    expect(telemetry.fleet.get(topic)?.online).toBe(false)
  })

  it('measures broker to browser from the position and the hops of a frame, whatever the device’s clock says', () => {
    const { client, telemetry } = scriptedTelemetry()
    client.push(
      { type: 'data', blocks: [block(5, 5, { hops: [7_200_000, 10, 5, 5] })] },
      1_700_000_005_200,
    )
    expect(telemetry.latency.percentile(0.95, 1_700_000_005_200)).toBe(210)
  })
})
