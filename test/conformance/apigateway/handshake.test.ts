import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { Refused } from './client.ts'
import { gatewayBench, rawSocket } from './support.ts'
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
  it('APIGW-14: the upgrade stays pending until $connect has finished', async () => {
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

  it('APIGW-15: without a $connect route any upgrade on a valid stage is accepted', async () => {
    bench = await gatewayBench()
    const client = await bench.open()
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  it('APIGW-18, APIGW-94: a $connect function over the integration timeout fails the handshake with 502', async () => {
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

  it('CFN-9: a $connect function that may not be invoked fails the handshake with 500', async () => {
    const { status } = await refusal({
      handlers: {
        connect: () => {
          throw new AwsError('AccessDeniedException', 'no permission', { status: 403 })
        },
      },
    })
    expect(status).toBe(500)
  })

  it('CFN-9: functions are invoked by API Gateway for the ARN of their route', async () => {
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

  it('APIGW-91: a client that leaves while $connect runs still gets its $disconnect', async () => {
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

describe('refused before anything runs', () => {
  it('APIGW-29: a disabled default endpoint refuses', async () => {
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

  it('APIGW-103: the host name of the API leads here', async () => {
    bench = await gatewayBench()
    const url = `wss://${bench.apiId}.execute-api.eu-west-1.amazonaws.com/prod`
    expect(bench.hosts.rewrite(url)).toBe(bench.websocket)
  })
})

describe('the CONNECT event', () => {
  it('APIGW-36–APIGW-39, APIGW-42, APIGW-50: the context has the documented shape', async () => {
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
})
