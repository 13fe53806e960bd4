import { describe, expect, it } from 'vitest'
import { LastReadings } from './last-readings.ts'
import { history, scriptedTelemetry, topic } from './scripted-client.ts'
import { RequestFailed } from './stream-client.ts'
import { at, block } from './test-blocks.ts'

const T0 = 1_700_000_000_000
type Answer = Parameters<typeof scriptedTelemetry>[0]

/** A device whose reading 98 was pushed 2 s ago, thinned; the clock stands at the time of reading 100. */
async function setUp(answer: Answer) {
  const { client, clock, telemetry } = scriptedTelemetry(answer)
  await client.ready()
  for (const n of [97, 98]) {
    client.push({ type: 'data', blocks: [block(n, n, { sid: 1, thinned: true })] })
  }
  const { fleet } = telemetry
  const serverNow = (): number => telemetry.serverNow()
  const lastReadings = new LastReadings({ client, fleet, clock, serverNow })
  const look = async (topics = [topic]): Promise<void> => {
    lastReadings.want(topics)
    await clock.advance(0)
  }
  return { client, clock, fleet, look }
}
const shown = (fleet: Awaited<ReturnType<typeof setUp>>['fleet']) =>
  fleet.get(topic)?.values.get('temperature')

describe('last readings', () => {
  it('shows what came after the last push once its device has fallen silent, and asks once', async () => {
    const { client, clock, fleet, look } = await setUp((asked) =>
      asked.action === 'history' ? history([block(99, 100)]) : undefined,
    )
    await look()
    expect(client.askedFor('history')).toEqual([])
    await clock.advance(20_000)
    await look()
    expect(client.askedFor('history')).toMatchObject([{ topic, since: at(98) }])
    expect(shown(fleet)).toBe(100)
    expect(fleet.get(topic)?.ts).toBe(T0 + 100_000)
    await clock.advance(60_000)
    await look()
    expect(client.askedFor('history')).toHaveLength(1)
  })

  it('asks once also when nothing had been left out, and again for the next silence', async () => {
    const { client, clock, look } = await setUp(() => undefined)
    await clock.advance(20_000)
    await look()
    await clock.advance(60_000)
    await look()
    expect(client.askedFor('history')).toHaveLength(1)
    client.push({ type: 'data', blocks: [block(180, 180, { sid: 1, thinned: true })] })
    await clock.advance(200_000)
    await look()
    expect(client.askedFor('history')).toMatchObject([{ since: at(98) }, { since: at(180) }])
  })

  it('asks at once when the broker saw the device leave', async () => {
    const { client, clock, look } = await setUp(() => undefined)
    client.push({
      type: 'presence',
      topic,
      online: false,
      at: clock.now(),
      reason: 'CONNECTION_LOST',
    })
    await look()
    expect(client.askedFor('history')).toHaveLength(1)
  })

  it('asks for a newcomer of which one push has come: what came just after it may have been left out', async () => {
    const { client, clock, fleet } = await setUp((asked) =>
      asked.action === 'history'
        ? history([block(99, 99, { metrics: { humidity: [55] } })])
        : undefined,
    )
    const newcomer = 'plant-1/newcomer'
    client.push({
      type: 'data',
      blocks: [block(98, 98, { sid: 1, topic: newcomer, thinned: true })],
    })
    const serverNow = (): number => clock.now()
    new LastReadings({ client, fleet, clock, serverNow }).want([newcomer])
    await clock.advance(0)
    expect(client.askedFor('history')).toMatchObject([{ topic: newcomer, since: at(98) }])
  })

  it('goes on from the end of a page that was not the last', async () => {
    const pages = [history([block(99)], { cursor: 'next' }), history([block(100)])]
    const { client, clock, fleet, look } = await setUp((asked) =>
      asked.action === 'history' ? pages.shift() : undefined,
    )
    await clock.advance(20_000)
    await look()
    await clock.advance(1_000)
    expect(client.askedFor('history')).toMatchObject([{ since: at(98) }, { since: at(99) }])
    expect(shown(fleet)).toBe(100)
  })

  it('asks for nothing that is not on screen, and for nothing while there is no live socket', async () => {
    const { client, clock, look } = await setUp(() => undefined)
    await clock.advance(20_000)
    await look(['plant-1/other'])
    client.change({ phase: 'reconnecting' })
    await look()
    expect(client.askedFor('history')).toEqual([])
  })

  it('asks for silent devices one after the other, and leaves one alone whose question failed', async () => {
    const second = 'plant-1/pump-2'
    const { client, clock, look } = await setUp((asked) =>
      asked['topic'] === topic ? new RequestFailed('FORBIDDEN', 'Not yours.') : undefined,
    )
    for (const n of [96, 97]) {
      const change = { sid: 1, topic: second, thinned: true } as const
      client.push({ type: 'data', blocks: [block(n, n, change)] })
    }
    await clock.advance(20_000)
    await look([topic, second])
    expect(client.askedFor('history')).toMatchObject([{ topic }])
    await clock.advance(5_000)
    expect(client.askedFor('history')).toMatchObject([{ topic }, { topic: second }])
  })
})
