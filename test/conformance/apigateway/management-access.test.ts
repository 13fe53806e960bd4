import {
  ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { Client } from './client.ts'
import { gatewayBench, rawSocket } from './support.ts'
import type { BenchOptions, GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
const roleKey = { accessKeyId: 'ASIAROLE', secretAccessKey: 'role-secret' }
const roleArn = 'arn:aws:iam::000000000000:role/deliver'

/** A gateway that gave out the key of one role, which may do what `allowed` says. */
const withRole = (
  allowed: (action: string, resource: string) => boolean = () => true,
): BenchOptions => ({
  principals: (accessKeyId) =>
    accessKeyId === roleKey.accessKeyId
      ? {
          principal: { arn: 'arn:aws:sts::000000000000:assumed-role/deliver/fn', roleArn },
          secretAccessKey: roleKey.secretAccessKey,
        }
      : undefined,
  authorization: {
    check: () => undefined,
    isAllowed: (_, action, resource) => allowed(action, resource),
    credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
  },
})

async function connected(
  options: BenchOptions = {},
): Promise<{ client: Client; ConnectionId: string }> {
  bench = await gatewayBench({ handlers: { connect: ok, disconnect: ok }, ...options })
  const client = await bench.open()
  return { client, ConnectionId: (await bench.nextEvent('connect')).requestContext.connectionId }
}

function sdk(options: { secretAccessKey?: string; region?: string } = {}) {
  const { region = 'eu-west-1', ...key } = options
  const credentials = { ...roleKey, ...key }
  return new ApiGatewayManagementApiClient({
    endpoint: bench.management,
    region,
    maxAttempts: 1,
    credentials,
  })
}

const post = (ConnectionId: string, Data: string | Uint8Array = 'x') =>
  new PostToConnectionCommand({ ConnectionId, Data })

async function failure(call: Promise<unknown>): Promise<ApiGatewayManagementApiServiceException> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof ApiGatewayManagementApiServiceException) return error
  throw new Error(`no service exception: ${String(error)}`)
}

const pathOf = (ConnectionId: string) =>
  `${bench.management}/@connections/${encodeURIComponent(ConnectionId)}`

const unverifiable = {
  'x-amz-date': '20261123T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKIALOCAL/20261123/eu-west-1/execute-api/aws4_request, SignedHeaders=host, Signature=00',
}

describe('without a right signature', () => {
  const small = 'x'
  const oversize = 'x'.repeat(131_073)

  it.each<[string, string, { body?: string; id?: string }]>([
    ['a POST', 'POST', { body: small }],
    ['a POST over 128 KB', 'POST', { body: oversize }],
    ['a POST to an id that is gone', 'POST', { body: small, id: 'BFaT_fALIAMCKug=' }],
    ['a POST over 128 KB to a gone id', 'POST', { body: oversize, id: 'BFaT_fALIAMCKug=' }],
    ['a POST to an id of no format', 'POST', { body: small, id: 'not-an-id' }],
    ['a GET', 'GET', {}],
    ['a DELETE', 'DELETE', {}],
    ['a DELETE with a body over 128 KB', 'DELETE', { body: oversize }],
  ])('MGMT-6: %s is 403 and says nothing about the connection', async (_, method, request) => {
    const { client, ConnectionId } = await connected()
    const response = await fetch(pathOf(request.id ?? ConnectionId), {
      method,
      ...(request.body !== undefined && { body: request.body }),
    })
    expect(response.status).toBe(403)
    expect(response.headers.get('x-amzn-errortype')).toBe('ForbiddenException')
    expect(await response.json()).toEqual({ message: 'Missing Authentication Token' })
    expect(bench.gateway.connectionCount()).toBe(1)
    expect(client.unread()).toBe(0)
  })

  it.each([
    ['a small body', small],
    ['a body over 128 KB', oversize],
  ])('MGMT-6: a known key with another secret is 403 with %s', async (_, data) => {
    const { ConnectionId } = await connected(withRole())
    const call = sdk({ secretAccessKey: 'other' }).send(post(ConnectionId, data))
    expect(await failure(call)).toMatchObject({
      name: 'ForbiddenException',
      $metadata: { httpStatusCode: 403 },
    })
  })

  it('MGMT-6, MGMT-7: a body over 128 KB other than the one signed is 403, the one signed 413', async () => {
    const { ConnectionId } = await connected(withRole())
    const client = sdk()
    client.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body: unknown }
        request.body = 'y'.repeat(131_073)
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
    expect((await failure(client.send(post(ConnectionId, oversize)))).name).toBe(
      'ForbiddenException',
    )
    expect((await failure(sdk().send(post(ConnectionId, oversize)))).name).toBe(
      'PayloadTooLargeException',
    )
  })
})

describe('the scope and age of a signature', () => {
  it('MGMT-11, MGMT-19: another service is refused', async () => {
    const { ConnectionId } = await connected()
    const response = await fetch(pathOf(ConnectionId), {
      method: 'POST',
      headers: {
        ...unverifiable,
        authorization: unverifiable.authorization.replace('execute-api', 'dynamodb'),
      },
    })
    expect(response.status).toBe(403)
    expect(await response.text()).toMatch(/scoped to correct service: 'execute-api'/)
  })

  it('MGMT-19: another region is refused', async () => {
    const { ConnectionId } = await connected(withRole())
    const error = await failure(sdk({ region: 'us-east-1' }).send(post(ConnectionId)))
    expect(error.name).toBe('ForbiddenException')
    expect(error.message).toMatch(/valid region, not 'us-east-1'/)
  })

  it('MGMT-6: five minutes after it was signed a known key is refused', async () => {
    const signingClock = manualClock(Date.now())
    const { client, ConnectionId } = await connected({ ...withRole(), signingClock })
    await sdk().send(post(ConnectionId))
    await client.next()
    await signingClock.advance(6 * 60_000)
    const error = await failure(sdk().send(post(ConnectionId)))
    expect(error.$metadata.httpStatusCode).toBe(403)
    expect(error.message).toMatch(/Signature expired/)
  })

  it('MGMT-6: a key that nobody gave out is the local developer, whenever it signed', async () => {
    const { client, ConnectionId } = await connected({ signingClock: manualClock(0) })
    const response = await fetch(pathOf(ConnectionId), {
      method: 'POST',
      body: 'x',
      headers: unverifiable,
    })
    expect(response.status).toBe(200)
    expect((await client.next()).text).toBe('x')
  })
})

describe('permission', () => {
  it.each([
    ['POST', (ConnectionId: string) => post(ConnectionId)],
    ['GET', (ConnectionId: string) => new GetConnectionCommand({ ConnectionId })],
    ['DELETE', (ConnectionId: string) => new DeleteConnectionCommand({ ConnectionId })],
  ])(
    'MGMT-11: a %s asks for execute-api:ManageConnections on the ARN of the call',
    async (method, command) => {
      const asked: string[] = []
      const { ConnectionId } = await connected(
        withRole((action, resource) => {
          asked.push(`${action} ${resource}`)
          return true
        }),
      )
      await sdk().send(command(ConnectionId) as PostToConnectionCommand)
      expect(asked).toEqual([
        `execute-api:ManageConnections arn:aws:execute-api:eu-west-1:000000000000:${bench.apiId}/prod/${method}/@connections/${ConnectionId}`,
      ])
    },
  )

  it.each([
    ['a small body', 'x'],
    ['a body over 128 KB', 'x'.repeat(131_073)],
  ])('MGMT-11: a role that is not allowed is refused by name, with %s', async (_, data) => {
    const { ConnectionId } = await connected(withRole(() => false))
    const error = await failure(sdk().send(post(ConnectionId, data)))
    expect(error.name).toBe('ForbiddenException')
    expect(error.message).toMatch(
      /assumed-role\/deliver\/fn is not authorized to perform: execute-api:ManageConnections/,
    )
  })
})

describe('pages of a browser', () => {
  it('refuses one that reaches the port under a foreign name', async () => {
    await connected()
    const { response } = await rawSocket(bench.gateway, {
      method: 'POST',
      path: '/prod/@connections/BFaT_fALIAMCKug=',
      headers: ['Host: evil.example', 'Content-Length: 0'],
    })
    expect(response).toMatch(/^HTTP\/1\.1 403 /)
  })

  it.each([
    ['POST', 'https://evil.example'],
    ['DELETE', 'https://evil.example'],
    ['GET', 'null'],
    ['OPTIONS', 'http://127.0.0.1:8080'],
  ])('refuses a %s of the origin %s, whatever its signature', async (method, origin) => {
    const { ConnectionId } = await connected()
    const response = await fetch(pathOf(ConnectionId), {
      method,
      headers: { ...unverifiable, origin },
    })
    expect(response.status).toBe(403)
    expect(await response.json()).toEqual({ message: 'Forbidden' })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(bench.gateway.connectionCount()).toBe(1)
  })

  it('leaves the origin of a handshake to $connect', async () => {
    bench = await gatewayBench({
      handlers: {
        connect: ({ headers }) => ({
          statusCode: headers?.Origin === 'https://good.example' ? 200 : 403,
        }),
      },
    })
    await expect(bench.open({ headers: { origin: 'https://good.example' } })).resolves.toBeDefined()
    await expect(bench.open({ headers: { origin: 'https://evil.example' } })).rejects.toMatchObject(
      { status: 403 },
    )
  })
})
