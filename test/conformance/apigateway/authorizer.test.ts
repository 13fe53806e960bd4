import { afterEach, describe, expect, it } from 'vitest'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { gatewayBench } from './support.ts'
import type { BenchOptions, GatewayBench, GatewayEvent, Handler } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
const allow = (event: GatewayEvent, more: object = {}) => ({
  principalId: 'ana',
  policyDocument: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: event.methodArn }],
  },
  ...more,
})

async function connectWith(
  auth: Handler,
  options: BenchOptions = {},
  open: Parameters<GatewayBench['open']>[0] = {},
): Promise<number> {
  bench = await gatewayBench({
    handlers: { auth, connect: ok, disconnect: ok, default: ok },
    ...options,
  })
  return bench.open(open).then(
    () => 101,
    (error: unknown) => (error as { status: number }).status,
  )
}

describe('authorizer event', () => {
  it('APIGW-55–APIGW-57: has the documented members, empty maps and the connection id of $connect', async () => {
    await connectWith((event) => allow(event))
    const event = await bench.nextEvent('auth')
    expect(Object.keys(event).sort()).toEqual([
      'headers',
      'methodArn',
      'multiValueHeaders',
      'multiValueQueryStringParameters',
      'queryStringParameters',
      'requestContext',
      'stageVariables',
      'type',
    ])
    expect(event).toMatchObject({
      type: 'REQUEST',
      methodArn: `arn:aws:execute-api:eu-west-1:000000000000:${bench.apiId}/prod/$connect`,
      queryStringParameters: {},
      multiValueQueryStringParameters: {},
      stageVariables: {},
      headers: { Connection: 'upgrade', Upgrade: 'websocket', 'content-length': '0' },
    })
    const connect = await bench.nextEvent('connect')
    expect(event.requestContext.connectionId).toBe(connect.requestContext.connectionId)
  })

  it('APIGW-53: it runs once per connection, not for messages or disconnect', async () => {
    bench = await gatewayBench({
      handlers: { auth: (event) => allow(event), connect: ok, disconnect: ok, default: ok },
    })
    const client = await bench.open()
    client.send('x')
    await bench.nextEvent('default')
    client.socket.close()
    await bench.nextEvent('disconnect')
    expect(bench.events('auth')).toHaveLength(1)
  })

  it('APIGW-54: nothing is cached, every handshake calls it', async () => {
    await connectWith((event) => allow(event))
    await bench.open()
    expect(bench.events('auth')).toHaveLength(2)
  })

  it('CFN-9: it is invoked for the ARN of the authorizer, without a stage', async () => {
    let seen = ''
    await connectWith((event, source) => {
      seen = source
      return allow(event)
    })
    expect(seen).toMatch(
      new RegExp(`^arn:aws:execute-api:eu-west-1:000000000000:${bench.apiId}/authorizers/\\w+$`),
    )
  })
})

describe('identity sources', () => {
  const sources = (...IdentitySource: string[]) => ({ authorizer: { IdentitySource } })

  it.each([
    ['route.request.header.Sec-WebSocket-Protocol'],
    ['route.request.querystring.token'],
    ['stageVariables.missing'],
  ])('APIGW-58, APIGW-59: %s missing is 401 without calling the function', async (source) => {
    expect(await connectWith((event) => allow(event), sources(source))).toBe(401)
    expect(bench.events('auth')).toEqual([])
  })

  it('APIGW-59: an empty value is missing too', async () => {
    const source = sources('route.request.querystring.token')
    expect(await connectWith((event) => allow(event), source, { path: '?token=' })).toBe(401)
  })

  it('APIGW-59: every one of several sources is needed', async () => {
    const source = {
      authorizer: { IdentitySource: 'route.request.querystring.a, route.request.querystring.b' },
    }
    expect(await connectWith((event) => allow(event), source, { path: '?a=1' })).toBe(401)
  })

  it('APIGW-60: header names are case-insensitive', async () => {
    const status = await connectWith(
      (event) => allow(event),
      sources('route.request.header.AUTH'),
      { headers: { auth: 'x' } },
    )
    expect(status).toBe(101)
  })

  it('APIGW-60: query names are case-sensitive', async () => {
    const source = sources('route.request.querystring.Token')
    expect(await connectWith((event) => allow(event), source, { path: '?token=1' })).toBe(401)
  })

  it('APIGW-58: context values can be an identity', async () => {
    expect(await connectWith((event) => allow(event), sources('context.connectionId'))).toBe(101)
  })
})

describe('the answer', () => {
  const policy = (Statement: unknown) => ({
    principalId: 'ana',
    policyDocument: { Version: '2012-10-17', Statement },
  })
  const statement = (
    Effect: string,
    Resource: unknown,
    Action: unknown = 'execute-api:Invoke',
  ) => ({
    Effect,
    Action,
    Resource,
  })

  it('APIGW-61, APIGW-21: failing with exactly Unauthorized is 401, and no connection is made', async () => {
    const status = await connectWith(() => {
      throw new Error('Unauthorized')
    })
    expect(status).toBe(401)
    expect(bench.gateway.connectionCount()).toBe(0)
  })

  it.each([['unauthorized'], ['Unauthorized!']])(
    'APIGW-63: failing with %s is 500',
    async (message) => {
      const status = await connectWith(() => {
        throw new Error(message)
      })
      expect(status).toBe(500)
    },
  )

  it.each<[string, (arn: string) => unknown]>([
    ['a Deny', (arn) => [statement('Deny', arn)]],
    ['an Allow of another resource', (arn) => [statement('Allow', `${arn}x`)]],
    ['an Allow of another action', (arn) => [statement('Allow', arn, 'execute-api:Manage*')]],
    ['a Deny beside an Allow', (arn) => [statement('Allow', arn), statement('Deny', '*')]],
    [
      'a NotResource that is this one',
      (arn) => [{ Effect: 'Allow', Action: '*', NotResource: arn }],
    ],
  ])(
    'APIGW-21, APIGW-62, APIGW-65: %s is 403, and no connection is made',
    async (_, statements) => {
      expect(await connectWith((event) => policy(statements(event.methodArn!)))).toBe(403)
      expect(bench.gateway.connectionCount()).toBe(0)
    },
  )

  it.each<[string, (arn: string) => unknown]>([
    ['the bare methodArn', (arn) => [statement('Allow', arn)]],
    ['* as resource and action', () => [statement('Allow', '*', '*')]],
    [
      'wildcards inside',
      (arn) => [statement('Allow', arn.replace('/prod/', '/pr?d/'), 'execute-api:*')],
    ],
    ['one statement that is no array (APIGW-66)', (arn) => statement('Allow', arn)],
    [
      'arrays of actions and resources (APIGW-66)',
      (arn) => [statement('Allow', ['x', arn], ['a:b', 'execute-api:Invoke'])],
    ],
    [
      'NotAction of another action (APIGW-66)',
      (arn) => [{ Effect: 'Allow', NotAction: 's3:*', Resource: arn }],
    ],
  ])('APIGW-65: an Allow with %s is accepted', async (_, statements) => {
    expect(await connectWith((event) => policy(statements(event.methodArn!)))).toBe(101)
  })

  it.each<[string, (event: GatewayEvent) => unknown]>([
    ['nothing', () => undefined],
    ['text', () => 'allow'],
    ['no principalId', (event) => ({ ...allow(event), principalId: undefined })],
    ['a number as principalId', (event) => ({ ...allow(event), principalId: 7 })],
    ['no policyDocument', () => ({ principalId: 'ana' })],
    ['a simple response (APIGW-52)', () => ({ isAuthorized: true })],
    ['an object in context (APIGW-67)', (event) => allow(event, { context: { a: {} } })],
    ['an array in context (APIGW-67)', (event) => allow(event, { context: { a: [] } })],
    ['null in context (APIGW-67)', (event) => allow(event, { context: { a: null } })],
    ['more than 8 KB (APIGW-70)', (event) => allow(event, { context: { a: 'x'.repeat(8192) } })],
    [
      'a resource over 512 characters (APIGW-70)',
      () => policy([statement('Allow', '*'.repeat(513))]),
    ],
  ])('APIGW-63, APIGW-64: %s is 500', async (_, answer) => {
    expect(await connectWith((event) => answer(event))).toBe(500)
    expect(bench.events('connect')).toEqual([])
  })

  it('CFN-9: an authorizer that may not be invoked is 500', async () => {
    const status = await connectWith(() => {
      throw new AwsError('AccessDeniedException', 'no permission', { status: 403 })
    })
    expect(status).toBe(500)
  })

  it('APIGW-68, APIGW-69: context arrives as strings with principalId and integrationLatency on every event', async () => {
    await connectWith((event) => allow(event, { context: { flag: true, n: 123, s: 'x' } }))
    const client = await bench.open()
    client.send('x')
    client.socket.close()
    const events = await Promise.all(
      ['connect', 'default', 'disconnect'].map((name) => bench.nextEvent(name)),
    )
    for (const event of events)
      expect(event.requestContext.authorizer).toEqual({
        flag: 'true',
        n: '123',
        s: 'x',
        principalId: 'ana',
        integrationLatency: expect.any(Number) as number,
      })
  })

  it('APIGW-72: a refusal keeps $connect from running, and APIGW-20: no $disconnect follows', async () => {
    expect(await connectWith(() => policy([statement('Deny', '*')]))).toBe(403)
    expect(bench.events('connect')).toEqual([])
    expect(bench.events('disconnect')).toEqual([])
  })

  it('APIGW-71: who is connected stays connected when the authorizer changes its mind', async () => {
    let revoked = false
    expect(
      await connectWith((event) =>
        allow(event, {
          context: { since: 'before' },
          ...(revoked && policy([statement('Deny', '*')])),
        }),
      ),
    ).toBe(101)
    const client = await bench.open()
    revoked = true
    await expect(bench.open()).rejects.toMatchObject({ status: 403 })
    client.send('x')
    const { authorizer } = (await bench.nextEvent('default')).requestContext
    expect(authorizer).toMatchObject({ principalId: 'ana', since: 'before' })
    expect(bench.gateway.connectionCount()).toBe(2)
  })
})
