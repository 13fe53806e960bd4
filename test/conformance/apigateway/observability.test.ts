import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import { gatewayBench } from './support.ts'
import type { BenchOptions, GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
const format = JSON.stringify({
  requestId: '$context.requestId',
  connectionId: '$context.connectionId',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  status: '$context.status',
  messageId: '$context.messageId',
  time: '$context.requestTime',
  user: '$context.authorizer.principalId',
  role: '$context.authorizer.role',
  ip: '$context.identity.sourceIp',
  error: '$context.error.message',
  integration: '$context.integration.status',
  unknown: '$context.nothing.such',
})
const accessLog = {
  AccessLogSettings: {
    DestinationArn: 'arn:aws:logs:eu-west-1:000000000000:log-group:/access:*',
    Format: format,
  },
}
const lines = () => bench.logs.map((line) => JSON.parse(line.message) as Record<string, string>)

describe('access log', () => {
  it('APIGW-105: one line per connect, message and disconnect, with the values of $context', async () => {
    bench = await gatewayBench({
      handlers: {
        auth: (event) => ({
          principalId: 'ana',
          policyDocument: {
            Version: '2012-10-17',
            Statement: { Effect: 'Allow', Action: '*', Resource: event.methodArn },
          },
          context: { role: 'operator' },
        }),
        connect: ok,
        default: ok,
        disconnect: ok,
      },
      stage: accessLog,
    })
    const client = await bench.open()
    client.send('x')
    const message = (await bench.nextEvent('default')).requestContext
    client.socket.close()
    await expect.poll(() => bench.logs.length).toBe(3)
    expect(bench.logs[0]?.group).toBe('/access')
    const common = { user: 'ana', role: 'operator', ip: '127.0.0.1', unknown: '-', error: '-' }
    expect(lines()).toMatchObject([
      { ...common, eventType: 'CONNECT', routeKey: '$connect', status: '200', messageId: '-' },
      {
        ...common,
        eventType: 'MESSAGE',
        routeKey: '$default',
        status: '200',
        messageId: message.messageId,
        requestId: message.requestId,
        connectionId: message.connectionId,
      },
      { ...common, eventType: 'DISCONNECT', routeKey: '$disconnect', status: '200' },
    ])
  })

  it('APIGW-105: a refused handshake says why', async () => {
    bench = await gatewayBench({
      handlers: { auth: ok, connect: ok },
      authorizer: { IdentitySource: ['route.request.querystring.token'] },
      stage: accessLog,
    })
    await expect(bench.open()).rejects.toThrow()
    expect(lines()).toMatchObject([{ status: '401', error: 'Unauthorized', user: '-' }])
  })

  it('APIGW-78: the request id of an error frame is in the log', async () => {
    bench = await gatewayBench({ handlers: { default: () => 'odd' }, stage: accessLog })
    const client = await bench.open()
    client.send('x')
    const frame = JSON.parse((await client.next()).text) as { requestId: string }
    await expect
      .poll(() => lines().at(-1))
      .toMatchObject({
        requestId: frame.requestId,
        status: '500',
      })
  })
})

describe('metrics', () => {
  async function sums(options: BenchOptions, act: () => Promise<void>) {
    const clock = manualClock()
    bench = await gatewayBench({ clock, ...options })
    await act()
    await clock.advance(1000)
    const total = new Map<string, number>()
    for (const { namespace, name, dimensions, value, count = 1 } of bench.metrics) {
      expect(namespace).toBe('AWS/ApiGateway')
      const key = `${name} ${Object.keys(dimensions).join(',')}`
      total.set(key, (total.get(key) ?? 0) + value * count)
    }
    return total
  }

  it('APIGW-107: ConnectCount counts what was sent to the $connect integration', async () => {
    const total = await sums({ handlers: { connect: ok } }, async () => {
      await bench.open()
      await bench.open()
    })
    expect(total.get('ConnectCount ApiId,Stage')).toBe(2)
  })

  it('APIGW-107: without a $connect integration ConnectCount is absent', async () => {
    const total = await sums({}, async () => {
      await bench.open()
    })
    expect(total.has('ConnectCount ApiId')).toBe(false)
  })

  it('APIGW-107, APIGW-108: MessageCount counts both directions by ApiId and by ApiId,Stage', async () => {
    const total = await sums(
      { handlers: { echo: () => ({ statusCode: 200, body: 'x' }) }, twoWay: ['echo'] },
      async () => {
        const client = await bench.open()
        client.send({ action: 'echo' })
        await client.next()
      },
    )
    expect(total.get('MessageCount ApiId')).toBe(2)
    expect(total.get('MessageCount ApiId,Stage')).toBe(2)
    expect(total.has('MessageCount ApiId,Stage,Route')).toBe(false)
  })

  it('APIGW-108: by route as well with detailed metrics', async () => {
    const total = await sums(
      {
        handlers: { echo: () => ({ statusCode: 200, body: 'x' }) },
        twoWay: ['echo'],
        stage: { DefaultRouteSettings: { DetailedMetricsEnabled: true } },
      },
      async () => {
        const client = await bench.open()
        client.send({ action: 'echo' })
        await client.next()
      },
    )
    expect(total.get('MessageCount ApiId,Stage,Route')).toBe(2)
  })

  it('APIGW-107: IntegrationError, ClientError and IntegrationLatency', async () => {
    const total = await sums(
      { handlers: { connect: ok, fails: () => ({ statusCode: 500 }), hello: ok } },
      async () => {
        const client = await bench.open()
        client.send({ action: 'fails' })
        await bench.nextEvent('fails')
        client.send({ action: 'nobody' })
        await client.next()
      },
    )
    expect(total.get('IntegrationError ApiId')).toBe(1)
    expect(total.get('ClientError ApiId')).toBe(1)
    expect(total.has('IntegrationLatency ApiId')).toBe(true)
  })

  it('APIGW-107: a failing authorizer is an ExecutionError, an authorizer that refuses a ClientError', async () => {
    let answer: unknown = 'no policy'
    const total = await sums({ handlers: { auth: () => answer, connect: ok } }, async () => {
      await expect(bench.open()).rejects.toMatchObject({ status: 500 })
      answer = {
        principalId: 'ana',
        policyDocument: { Statement: { Effect: 'Deny', Action: '*', Resource: '*' } },
      }
      await expect(bench.open()).rejects.toMatchObject({ status: 403 })
    })
    expect(total.get('ExecutionError ApiId,Stage')).toBe(1)
    expect(total.get('ClientError ApiId,Stage')).toBe(1)
    expect(total.has('ConnectCount ApiId')).toBe(false)
  })

  it('APIGW-107, APIGW-108, APIGW-109: with detailed metrics all but the count of connections are there by route', async () => {
    const DefaultRouteSettings = { DetailedMetricsEnabled: true }
    await sums(
      {
        handlers: { connect: ok, fails: () => ({ statusCode: 500 }), disconnect: ok },
        stage: { DefaultRouteSettings },
      },
      async () => {
        const client = await bench.open()
        client.send({ action: 'fails' })
        client.send({ action: 'nobody' })
        await client.next()
        await bench.nextEvent('fails')
        client.socket.close()
        await bench.nextEvent('disconnect')
        await expect.poll(() => bench.gateway.connectionCount()).toBe(0)
      },
    )
    const byRoute = bench.metrics.flatMap(({ name, dimensions, count = 1 }) =>
      dimensions.Route === undefined || name === 'IntegrationLatency'
        ? []
        : [`${name} ${dimensions.Route} ${count}`],
    )
    expect(byRoute.sort()).toEqual([
      'ClientError $default 1',
      'ConnectCount $connect 1',
      'IntegrationError fails 1',
      'MessageCount $default 1',
      'MessageCount fails 1',
    ])
    expect([...new Set(bench.metrics.map(({ name }) => name))].sort()).toEqual([
      'ClientError',
      'ConnectCount',
      'IntegrationError',
      'IntegrationLatency',
      'MessageCount',
    ])
  })

  it('APIGW-106: a call answered 413 is neither logged nor counted', async () => {
    const total = await sums({ handlers: { connect: ok }, stage: accessLog }, async () => {
      await bench.open()
      const { connectionId } = (await bench.nextEvent('connect')).requestContext
      const client = new ApiGatewayManagementApiClient({
        endpoint: bench.management,
        region: 'eu-west-1',
        credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
      })
      const Data = 'x'.repeat(131_073)
      await expect(
        client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data })),
      ).rejects.toMatchObject({ name: 'PayloadTooLargeException' })
    })
    expect(bench.logs).toHaveLength(1)
    expect(
      [...total.keys()].filter((key) => !/^(ConnectCount|IntegrationLatency) /.test(key)),
    ).toEqual([])
  })
})
