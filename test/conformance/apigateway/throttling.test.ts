import { afterEach, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import { describeLocal } from '../target.ts'
import { frame } from './raw-frames.ts'
import { gatewayBench, rawSocket } from './support.ts'
import type { BenchOptions, GatewayBench, GatewayEvent } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
const sayRoute = (event: GatewayEvent) => ({ statusCode: 200, body: event.requestContext.routeKey })
const limit = (ThrottlingRateLimit: number, ThrottlingBurstLimit: number) => ({
  ThrottlingRateLimit,
  ThrottlingBurstLimit,
})

/** A stage on a clock that stands still, and a client that asks routes `a` and `b` once each. */
async function throttled(stage: object) {
  const clock = manualClock()
  bench = await gatewayBench({
    clock,
    handlers: { a: sayRoute, b: sayRoute },
    twoWay: ['a', 'b'],
    stage,
  })
  const client = await bench.open()
  const ask = async (action: string): Promise<string> => {
    client.send({ action })
    const { text } = await client.next()
    return text.startsWith('{') ? (JSON.parse(text) as { message: string }).message : text
  }
  return { clock, client, ask }
}

describeLocal('clock', 'the account', () => {
  it('APIGW-96, APIGW-101: the 501st handshake within a second is answered 429', async () => {
    bench = await gatewayBench({ clock: manualClock() })
    const open = async () => {
      const { socket, response } = await rawSocket(bench.gateway)
      socket.destroy()
      return response.slice(9, 12)
    }
    for (let n = 0; n < 500; n += 50)
      expect(new Set(await Promise.all(Array.from({ length: 50 }, open)))).toEqual(new Set(['101']))
    expect(await open()).toBe('429')
  })

  it('APIGW-96: a second later there is room again, and what was refused did not count', async () => {
    const clock = manualClock()
    bench = await gatewayBench({ clock, limits: { connectsPerSecond: 2 } })
    await bench.open()
    await clock.advance(500)
    await bench.open()
    await clock.advance(499)
    await expect(bench.open()).rejects.toMatchObject({ status: 429 })
    await clock.advance(1)
    await bench.open()
    await expect(bench.open()).rejects.toMatchObject({ status: 429 })
  })

  it('APIGW-97, APIGW-81: the 5,001st message at once is answered Too Many Requests', async () => {
    bench = await gatewayBench({ clock: manualClock() })
    const { socket, received } = await rawSocket(bench.gateway)
    const messages = Array.from({ length: 5001 }, () => frame({ payload: 'x' }))
    socket.write(Buffer.concat(messages))
    const said = (text: string) =>
      received().toString('latin1').split(`"message": "${text}"`).length - 1
    await expect.poll(() => said('Too Many Requests'), { timeout: 10_000 }).toBe(1)
    expect(said('Forbidden')).toBe(5000)
    socket.destroy()
  })
})

describeLocal('clock', 'the stage', () => {
  it('APIGW-100: DefaultRouteSettings limit every route by itself', async () => {
    const { ask } = await throttled({ DefaultRouteSettings: limit(1, 2) })
    expect([await ask('a'), await ask('a'), await ask('a')]).toEqual([
      'a',
      'a',
      'Too Many Requests',
    ])
    expect([await ask('b'), await ask('b'), await ask('b')]).toEqual([
      'b',
      'b',
      'Too Many Requests',
    ])
  })

  it('APIGW-100, APIGW-99: the rate is the refill', async () => {
    const { ask, clock } = await throttled({ DefaultRouteSettings: limit(2, 1) })
    expect([await ask('a'), await ask('a')]).toEqual(['a', 'Too Many Requests'])
    await clock.advance(499)
    expect(await ask('a')).toBe('Too Many Requests')
    await clock.advance(1)
    expect(await ask('a')).toBe('a')
  })

  it.each<[string, object, string[]]>([
    ['its own limits', limit(1, 1), ['a', 'Too Many Requests', 'Too Many Requests']],
    ['its own burst', { ThrottlingBurstLimit: 1 }, ['a', 'Too Many Requests', 'Too Many Requests']],
    ['the burst of the stage', { ThrottlingRateLimit: 9 }, ['a', 'a', 'Too Many Requests']],
    ['all of the stage', { DetailedMetricsEnabled: true }, ['a', 'a', 'Too Many Requests']],
  ])('APIGW-100: a route that sets %2$j has %1$s', async (_, own, answers) => {
    const { ask } = await throttled({
      DefaultRouteSettings: limit(1, 2),
      RouteSettings: { a: own },
    })
    expect([await ask('a'), await ask('a'), await ask('a')]).toEqual(answers)
  })

  it.each<[string, BenchOptions['stage']]>([
    ['a limit of $connect', { RouteSettings: { $connect: limit(1, 1) } }],
    ['the limit of every route', { DefaultRouteSettings: limit(1, 1) }],
  ])('APIGW-101: over %s the handshake is answered 429', async (_, stage) => {
    const clock = manualClock()
    bench = await gatewayBench({ clock, handlers: { connect: ok }, ...(stage && { stage }) })
    await bench.open()
    await expect(bench.open()).rejects.toMatchObject({
      status: 429,
      body: expect.stringContaining('Too Many Requests') as string,
    })
    expect(bench.events('connect')).toHaveLength(1)
    await clock.advance(1000)
    await expect(bench.open()).resolves.toBeDefined()
  })
})
