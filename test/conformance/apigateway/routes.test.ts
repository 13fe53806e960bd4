import { afterEach, describe, expect, it } from 'vitest'
import { gatewayBench } from './support.ts'
import type { BenchOptions, GatewayBench, GatewayEvent } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
/** A two-way route that answers which route it was. */
const sayRoute = (event: GatewayEvent) => ({ statusCode: 200, body: event.requestContext.routeKey })

async function routed(options: BenchOptions) {
  bench = await gatewayBench(options)
  const client = await bench.open()
  return {
    client,
    ask: async (message: unknown): Promise<string> => {
      client.send(message)
      return (await client.next()).text
    },
  }
}

describe('route selection', () => {
  it('APIGW-2: several variables and static text are combined', async () => {
    const { ask } = await routed({
      handlers: { 'chat/join': sayRoute, default: sayRoute },
      twoWay: ['chat/join', 'default'],
      api: { RouteSelectionExpression: '${request.body.service}/${request.body.action}' },
    })
    expect(await ask({ service: 'chat', action: 'join' })).toBe('chat/join')
  })

  it('APIGW-7: the key is matched whole and case-sensitively', async () => {
    const { ask } = await routed({
      handlers: { hello: sayRoute, default: sayRoute },
      twoWay: ['hello', 'default'],
    })
    expect([await ask({ action: 'Hello' }), await ask({ action: 'hel' })]).toEqual([
      '$default',
      '$default',
    ])
  })

  it('APIGW-10: no match without $default is answered with an error frame and keeps the socket', async () => {
    const { ask, client } = await routed({
      handlers: { connect: ok, hello: sayRoute },
      twoWay: ['hello'],
    })
    expect(JSON.parse(await ask({ action: 'other' }))).toEqual({
      message: 'Forbidden',
      connectionId: (await bench.nextEvent('connect')).requestContext.connectionId,
      requestId: expect.stringMatching(/^[\w-]{15}=$/) as string,
    })
    expect(await ask({ action: 'hello' })).toBe('hello')
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  it('APIGW-13: a slow message does not hold up the next one of the same connection', async () => {
    let release: () => void = () => undefined
    const { client } = await routed({
      handlers: {
        slow: async () => {
          await new Promise<void>((resolve) => (release = resolve))
          return { statusCode: 200, body: 'slow' }
        },
        fast: () => ({ statusCode: 200, body: 'fast' }),
      },
      twoWay: ['slow', 'fast'],
    })
    client.send({ action: 'slow' })
    client.send({ action: 'fast' })
    expect((await client.next()).text).toBe('fast')
    release()
    expect((await client.next()).text).toBe('slow')
  })
})

describe('answers', () => {
  it('APIGW-81, APIGW-100: a message over the route limit is answered Too Many Requests and keeps the socket', async () => {
    const { ask } = await routed({
      handlers: { hello: sayRoute, other: sayRoute },
      twoWay: ['hello', 'other'],
      stage: { RouteSettings: { hello: { ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 2 } } },
    })
    expect(await ask({ action: 'hello' })).toBe('hello')
    expect(await ask({ action: 'hello' })).toBe('hello')
    expect(JSON.parse(await ask({ action: 'hello' }))).toMatchObject({
      message: 'Too Many Requests',
    })
    expect(await ask({ action: 'other' })).toBe('other')
    expect(bench.events('hello')).toHaveLength(2)
  })

  it('APIGW-97: messages share the bucket of the account', async () => {
    const { ask } = await routed({
      handlers: { hello: sayRoute },
      twoWay: ['hello'],
      limits: { requestsPerSecond: 0.001, requestBurst: 1 },
    })
    expect(await ask({ action: 'hello' })).toBe('hello')
    expect(JSON.parse(await ask({ action: 'hello' }))).toMatchObject({
      message: 'Too Many Requests',
    })
  })
})

describe('events of messages', () => {
  it('APIGW-51: stage variables are in a proxy event only when defined', async () => {
    const { client } = await routed({
      handlers: { default: ok },
      stage: { StageVariables: { colour: 'blue' } },
    })
    client.send('x')
    expect((await bench.nextEvent('default')).stageVariables).toEqual({ colour: 'blue' })
  })

  it('APIGW-104: stage variables may name the function', async () => {
    bench = await gatewayBench({ handlers: { blueFn: ok } })
    const integration = await bench.create('AWS::ApiGatewayV2::Integration', 'Var', {
      ApiId: bench.apiId,
      IntegrationType: 'AWS_PROXY',
      IntegrationUri:
        'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:${stageVariables.fn}/invocations',
    })
    await bench.create('AWS::ApiGatewayV2::Route', 'VarRoute', {
      ApiId: bench.apiId,
      RouteKey: '$default',
      Target: `integrations/${integration}`,
    })
    await bench.create('AWS::ApiGatewayV2::Stage', 'Stage', {
      ApiId: bench.apiId,
      StageName: 'prod',
      AutoDeploy: true,
      StageVariables: { fn: 'blueFn' },
    })
    const client = await bench.open()
    client.send('x')
    expect((await bench.nextEvent('blueFn')).body).toBe('x')
  })

  it('APIGW-102: without AutoDeploy the routes are those of the deployment', async () => {
    bench = await gatewayBench({ handlers: { hello: sayRoute }, twoWay: ['hello'] })
    const DeploymentId = await bench.create('AWS::ApiGatewayV2::Deployment', 'Deployment', {
      ApiId: bench.apiId,
    })
    await bench.create('AWS::ApiGatewayV2::Stage', 'Stage', {
      ApiId: bench.apiId,
      StageName: 'prod',
      DeploymentId,
    })
    await bench.create('AWS::ApiGatewayV2::Route', 'Late', {
      ApiId: bench.apiId,
      RouteKey: '$default',
      Target: 'integrations/none',
    })
    const client = await bench.open()
    client.send({ action: 'hello' })
    expect((await client.next()).text).toBe('hello')
    client.send('x')
    expect(JSON.parse((await client.next()).text)).toMatchObject({ message: 'Forbidden' })
  })
})
