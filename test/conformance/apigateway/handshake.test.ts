import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { gatewayBench, rawSocket, Refused } from './support.ts'
import type { BenchOptions, GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })

async function refusal(options: BenchOptions, open: Parameters<GatewayBench['open']>[0] = {}) {
  bench = await gatewayBench(options)
  const error: unknown = await bench.open(open).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Refused)) throw new Error(`not refused: ${String(error)}`)
  return { status: error.status, body: JSON.parse(error.body) as Record<string, string> }
}

describe('$connect', () => {
  it('W14: the upgrade stays pending until $connect has finished', async () => {
    let release: () => void = () => undefined
    bench = await gatewayBench({
      handlers: {
        connect: async () => {
          await new Promise<void>((resolve) => (release = resolve))
          return { statusCode: 200 }
        },
      },
    })
    let opened = false
    const opening = bench.open().then((client) => {
      opened = true
      return client
    })
    await bench.nextEvent('connect')
    expect(opened).toBe(false)
    release()
    await opening
  })

  it('W15: without a $connect route any upgrade on a valid stage is accepted', async () => {
    bench = await gatewayBench()
    const client = await bench.open()
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  it.each([[200], [201], [204]])(
    'W16: statusCode %i accepts the connection',
    async (statusCode) => {
      bench = await gatewayBench({ handlers: { connect: () => ({ statusCode }) } })
      await expect(bench.open()).resolves.toBeDefined()
    },
  )

  it.each([[400], [401], [403], [429], [500], [503]])(
    'W17: statusCode %i is the status of the failed handshake',
    async (statusCode) => {
      const { status } = await refusal({ handlers: { connect: () => ({ statusCode }) } })
      expect(status).toBe(statusCode)
    },
  )

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('x')
      },
    ],
    ['answers nothing', () => undefined],
    ['answers text', () => 'ok'],
    ['answers an object without statusCode', () => ({ body: 'x' })],
  ])('W18: a $connect function that %s fails the handshake with 502', async (_, connect) => {
    expect((await refusal({ handlers: { connect } })).status).toBe(502)
  })

  it('W18, W94: a $connect function over the integration timeout fails the handshake with 502', async () => {
    const clock = manualClock()
    bench = await gatewayBench({
      clock,
      handlers: { connect: () => new Promise(() => undefined) },
      integration: { TimeoutInMillis: 50 },
    })
    const opening = expect(bench.open()).rejects.toMatchObject({ status: 502 })
    await bench.nextEvent('connect')
    await clock.advance(50)
    await opening
  })

  it('C9: a $connect function that may not be invoked fails the handshake with 500', async () => {
    const { status } = await refusal({
      handlers: {
        connect: () => {
          throw new AwsError('AccessDeniedException', 'no permission', { status: 403 })
        },
      },
    })
    expect(status).toBe(500)
  })

  it('C9: functions are invoked by API Gateway for the ARN of their route', async () => {
    const sources: string[] = []
    const handler = (_: unknown, source: string) => {
      sources.push(source)
      return { statusCode: 200 }
    }
    bench = await gatewayBench({ handlers: { connect: handler, default: handler } })
    const client = await bench.open()
    client.send('x')
    await bench.nextEvent('default')
    const prefix = `arn:aws:execute-api:eu-west-1:000000000000:${bench.apiId}/prod`
    expect(sources).toEqual([`${prefix}/$connect`, `${prefix}/$default`])
  })

  it('W20: no $disconnect follows a refused $connect', async () => {
    await refusal({ handlers: { connect: () => ({ statusCode: 403 }), disconnect: ok } })
    expect(bench.events('disconnect')).toEqual([])
  })

  it('W91: a client that leaves while $connect runs still gets its $disconnect', async () => {
    let release: () => void = () => undefined
    bench = await gatewayBench({
      handlers: {
        connect: async () => {
          await new Promise<void>((resolve) => (release = resolve))
          return { statusCode: 200 }
        },
        disconnect: ok,
      },
    })
    const opening = bench.open().catch(() => undefined)
    const { connectionId } = (await bench.nextEvent('connect')).requestContext
    const raw = bench.gateway.connectionCount()
    expect(raw).toBe(0)
    await bench.dropClients()
    release()
    expect((await bench.nextEvent('disconnect')).requestContext.connectionId).toBe(connectionId)
    await opening
  })
})

describe('subprotocols', () => {
  it('W24: the offered list reaches $connect as one header', async () => {
    bench = await gatewayBench({
      handlers: {
        connect: () => ({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'gaugeline.v1' } }),
      },
    })
    await bench.open({ protocols: ['gaugeline.v1', 'bearer.abc'] })
    expect((await bench.nextEvent('connect')).headers?.['Sec-WebSocket-Protocol']).toBe(
      'gaugeline.v1,bearer.abc',
    )
  })

  it('W25: the subprotocol that $connect returns is answered', async () => {
    bench = await gatewayBench({
      handlers: {
        connect: () => ({ statusCode: 200, headers: { 'sec-websocket-protocol': 'gaugeline.v1' } }),
      },
    })
    const client = await bench.open({ protocols: ['bearer.abc', 'gaugeline.v1'] })
    expect(client.protocol).toBe('gaugeline.v1')
  })

  it('W25, W26: without one from $connect none is answered, and the client fails', async () => {
    bench = await gatewayBench({ handlers: { connect: ok, disconnect: ok } })
    await expect(bench.open({ protocols: ['gaugeline.v1'] })).rejects.toThrow(/subprotocol/)
  })

  it('W27: other headers of $connect do not reach the client', async () => {
    bench = await gatewayBench({
      handlers: { connect: () => ({ statusCode: 200, headers: { 'X-Secret': '1' } }) },
    })
    const { response, socket } = await rawSocket(bench.gateway)
    expect(response).toMatch(/^HTTP\/1\.1 101 /)
    expect(response).not.toMatch(/x-secret/i)
    socket.destroy()
  })
})

describe('refused before anything runs', () => {
  it('W22: an unknown stage is Forbidden', async () => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    const { response, received, ended } = await rawSocket(bench.gateway, { path: '/produ' })
    await ended
    expect(response).toMatch(/^HTTP\/1\.1 403 /)
    expect(received().toString()).toBe('{"message":"Forbidden"}')
    expect(bench.events('connect')).toEqual([])
  })

  it('W23: a plain GET is answered 426', async () => {
    bench = await gatewayBench()
    expect((await fetch(bench.management)).status).toBe(426)
  })

  it('W28: a URL over 4096 characters is refused', async () => {
    bench = await gatewayBench()
    const path = `/prod?x=${'y'.repeat(4096)}`
    const { response } = await rawSocket(bench.gateway, { path })
    expect(response).toMatch(/^HTTP\/1\.1 414 /)
  })

  it('W29: a disabled default endpoint refuses', async () => {
    bench = await gatewayBench({ api: { DisableExecuteApiEndpoint: true } })
    await expect(bench.open()).rejects.toMatchObject({
      message: expect.stringMatching(/403/) as string,
    })
  })

  it.each([
    ['a foreign Host header (DNS rebinding)', 'evil.example'],
    ['a Host that only begins like ours', '127.0.0.1.evil.example'],
  ])('answers %s with 403', async (_, host) => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    const { response } = await rawSocket(bench.gateway, {
      headers: [
        `Host: ${host}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
      ],
    })
    expect(response).toMatch(/^HTTP\/1\.1 403 /)
    expect(bench.events('connect')).toEqual([])
  })

  it('W103: the host name of the API leads here', async () => {
    bench = await gatewayBench()
    const url = `wss://${bench.apiId}.execute-api.eu-west-1.amazonaws.com/prod`
    expect(bench.hosts.rewrite(url)).toBe(bench.websocket)
  })
})

describe('the CONNECT event', () => {
  it('W31, W32: has headers and no body, and no query members without a query', async () => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    await bench.open()
    expect(Object.keys(await bench.nextEvent('connect')).sort()).toEqual([
      'headers',
      'isBase64Encoded',
      'multiValueHeaders',
      'requestContext',
    ])
  })

  it('W33: a repeated query key gives its last value, and all in the multi-value map', async () => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    await bench.open({ path: '?a=1&a=2&b=x%20y' })
    expect(await bench.nextEvent('connect')).toMatchObject({
      queryStringParameters: { a: '2', b: 'x y' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: ['x y'] },
    })
  })

  it('W34: header names are canonical and hop-by-hop headers absent', async () => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    await bench.open({ headers: { origin: 'http://127.0.0.1:8080', 'user-agent': 'test' } })
    const { headers = {}, multiValueHeaders } = await bench.nextEvent('connect')
    expect(headers).toMatchObject({
      Origin: 'http://127.0.0.1:8080',
      'User-Agent': 'test',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': expect.any(String) as string,
    })
    expect(Object.keys(headers)).not.toContain('Connection')
    expect(Object.keys(headers)).not.toContain('Upgrade')
    expect(multiValueHeaders?.Origin).toEqual(['http://127.0.0.1:8080'])
  })

  it('W35: X-Forwarded headers and a trace id are added', async () => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    await bench.open()
    expect((await bench.nextEvent('connect')).headers).toMatchObject({
      Host: `${bench.apiId}.execute-api.eu-west-1.amazonaws.com`,
      'X-Forwarded-For': '127.0.0.1',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
      'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/) as string,
    })
  })

  it('W36–W39, W42, W50: the context has the documented shape', async () => {
    const startMs = Date.UTC(2024, 10, 11, 11, 35, 24, 561)
    bench = await gatewayBench({ clock: manualClock(startMs), handlers: { connect: ok } })
    await bench.open()
    const { requestContext } = await bench.nextEvent('connect')
    const id = expect.stringMatching(/^[A-Za-z0-9_-]{15}=$/) as string
    expect(requestContext).toEqual({
      routeKey: '$connect',
      eventType: 'CONNECT',
      extendedRequestId: requestContext.requestId,
      requestTime: '11/Nov/2024:11:35:24 +0000',
      messageDirection: 'IN',
      stage: 'prod',
      connectedAt: startMs,
      requestTimeEpoch: startMs,
      identity: { sourceIp: '127.0.0.1' },
      requestId: id,
      domainName: `${bench.apiId}.execute-api.eu-west-1.amazonaws.com`,
      connectionId: id,
      apiId: bench.apiId,
    })
  })

  it('W40: the user agent is in the identity only when sent', async () => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    await bench.open({ headers: { 'User-Agent': 'Mozilla/5.0' } })
    expect((await bench.nextEvent('connect')).requestContext.identity).toEqual({
      sourceIp: '127.0.0.1',
      userAgent: 'Mozilla/5.0',
    })
  })
})
