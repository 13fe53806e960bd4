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
  it('W1: $request.body.action selects the route whose key is the action', async () => {
    const { ask } = await routed({
      handlers: { hello: sayRoute, default: sayRoute },
      twoWay: ['hello', 'default'],
    })
    expect(await ask({ action: 'hello' })).toBe('hello')
  })

  it('W2: several variables and static text are combined', async () => {
    const { ask } = await routed({
      handlers: { 'chat/join': sayRoute, default: sayRoute },
      twoWay: ['chat/join', 'default'],
      api: { RouteSelectionExpression: '${request.body.service}/${request.body.action}' },
    })
    expect(await ask({ service: 'chat', action: 'join' })).toBe('chat/join')
  })

  it('W7: the key is matched whole and case-sensitively', async () => {
    const { ask } = await routed({
      handlers: { hello: sayRoute, default: sayRoute },
      twoWay: ['hello', 'default'],
    })
    expect([await ask({ action: 'Hello' }), await ask({ action: 'hel' })]).toEqual([
      '$default',
      '$default',
    ])
  })

  it('W8: no match goes to $default, with routeKey $default', async () => {
    const { ask } = await routed({ handlers: { default: sayRoute }, twoWay: ['default'] })
    expect(await ask({ action: 'unheard-of' })).toBe('$default')
  })

  it.each([['not json'], ['[1,2]'], ['null'], ['7'], ['{"other":1}'], ['{"action":null}'], ['""']])(
    'W9: %s goes to $default',
    async (message) => {
      const { ask } = await routed({
        handlers: { hello: sayRoute, default: sayRoute },
        twoWay: ['hello', 'default'],
      })
      expect(await ask(message)).toBe('$default')
    },
  )

  it('W10: no match without $default is answered with an error frame and keeps the socket', async () => {
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

  it.each([['$connect'], ['$disconnect']])(
    'W12: an action that is literally %s does not run that route',
    async (action) => {
      const { ask } = await routed({
        handlers: { connect: ok, disconnect: ok, default: sayRoute },
        twoWay: ['default'],
      })
      expect(await ask({ action })).toBe('$default')
      expect(bench.events('connect')).toHaveLength(1)
      expect(bench.events('disconnect')).toHaveLength(0)
    },
  )

  it('W13: a slow message does not hold up the next one of the same connection', async () => {
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
  it('W74: without a route response the returned body is not sent', async () => {
    const { ask } = await routed({
      handlers: { quiet: () => ({ statusCode: 200, body: 'unseen' }), hello: sayRoute },
      twoWay: ['hello'],
    })
    const client = await bench.open()
    client.send({ action: 'quiet' })
    await bench.nextEvent('quiet')
    expect(await ask({ action: 'hello' })).toBe('hello')
    client.send({ action: 'hello' })
    expect((await client.next()).text).toBe('hello')
  })

  it('W75: with a route response the body is sent as a text frame', async () => {
    const { client } = await routed({
      handlers: { hello: () => ({ statusCode: 200, body: '{"type":"welcome"}' }) },
      twoWay: ['hello'],
    })
    client.send({ action: 'hello' })
    expect(await client.next()).toEqual({ text: '{"type":"welcome"}', isBinary: false })
  })

  it.each([[400], [500]])(
    'W76: statusCode %i neither closes the socket nor makes an error frame',
    async (statusCode) => {
      const { client, ask } = await routed({
        handlers: { fails: () => ({ statusCode }), hello: sayRoute },
        twoWay: ['hello'],
      })
      client.send({ action: 'fails' })
      await bench.nextEvent('fails')
      expect(await ask({ action: 'hello' })).toBe('hello')
    },
  )

  it('W77, W78: a function that throws gives the documented frame with the request id of the message', async () => {
    const { ask } = await routed({
      handlers: {
        connect: ok,
        fails: () => {
          throw new Error('secret detail')
        },
        hello: sayRoute,
      },
      twoWay: ['hello'],
    })
    const text = await ask({ action: 'fails' })
    const { requestContext } = await bench.nextEvent('fails')
    expect(text).toBe(
      `{"message": "Internal server error", "connectionId":"${requestContext.connectionId}", "requestId":"${requestContext.requestId}"}`,
    )
    expect(await ask({ action: 'hello' })).toBe('hello')
  })

  it('W77: a function that answers no proxy response gives the same frame', async () => {
    const { ask } = await routed({ handlers: { odd: () => 'just text' } })
    expect(JSON.parse(await ask({ action: 'odd' }))).toMatchObject({
      message: 'Internal server error',
    })
  })

  it('W81, W100: a message over the route limit is answered Too Many Requests and keeps the socket', async () => {
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

  it('W97: messages share the bucket of the account', async () => {
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
  it('W43: a MESSAGE event has exactly requestContext, body and isBase64Encoded', async () => {
    const { client } = await routed({ handlers: { default: ok } })
    client.send('raw text')
    const event = await bench.nextEvent('default')
    expect(Object.keys(event).sort()).toEqual(['body', 'isBase64Encoded', 'requestContext'])
    expect(event).toMatchObject({ body: 'raw text', isBase64Encoded: false })
  })

  it('W36, W38, W39, W41, W44: its context names message, request and a constant connectedAt', async () => {
    const { client } = await routed({ handlers: { connect: ok, default: ok } })
    client.send('x')
    const [connect, message] = [await bench.nextEvent('connect'), await bench.nextEvent('default')]
    const context = message.requestContext
    expect(context).toMatchObject({
      routeKey: '$default',
      eventType: 'MESSAGE',
      messageDirection: 'IN',
      messageId: expect.stringMatching(/^[\w-]{15}=$/) as string,
      extendedRequestId: context.requestId,
      connectedAt: connect.requestContext.connectedAt,
      connectionId: connect.requestContext.connectionId,
    })
    expect(context.requestId).not.toBe(connect.requestContext.requestId)
  })

  it('W51: stage variables are in a proxy event only when defined', async () => {
    const { client } = await routed({
      handlers: { default: ok },
      stage: { StageVariables: { colour: 'blue' } },
    })
    client.send('x')
    expect((await bench.nextEvent('default')).stageVariables).toEqual({ colour: 'blue' })
  })

  it('W104: stage variables may name the function', async () => {
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

  it('W102: without AutoDeploy the routes are those of the deployment', async () => {
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
