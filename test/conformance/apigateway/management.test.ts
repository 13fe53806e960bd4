import {
  ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  GetConnectionCommand,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { Fault } from '../../../infra/local/platform/types.ts'
import { describeLocal } from '../target.ts'
import type { Client } from './client.ts'
import { gatewayBench } from './support.ts'
import type { BenchOptions, GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })

function sdk(options: { secretAccessKey?: string; accessKeyId?: string; path?: string } = {}) {
  return new ApiGatewayManagementApiClient({
    endpoint: options.path ?? bench.management,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: {
      accessKeyId: options.accessKeyId ?? 'AKIALOCAL',
      secretAccessKey: options.secretAccessKey ?? 'local',
    },
  })
}

async function connected(
  options: BenchOptions = {},
): Promise<{ client: Client; ConnectionId: string }> {
  bench = await gatewayBench({ handlers: { connect: ok, disconnect: ok }, ...options })
  const client = await bench.open({ headers: { 'User-Agent': 'test' } })
  return { client, ConnectionId: (await bench.nextEvent('connect')).requestContext.connectionId }
}

const post = (ConnectionId: string, Data: string | Uint8Array = 'x') =>
  sdk().send(new PostToConnectionCommand({ ConnectionId, Data }))

async function failure(call: Promise<unknown>): Promise<ApiGatewayManagementApiServiceException> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof ApiGatewayManagementApiServiceException) return error
  throw new Error(`no service exception: ${String(error)}`)
}

describe('POST', () => {
  it('APIGW-87: a message posted keeps an idle connection for ten minutes more', async () => {
    const clock = manualClock()
    const { client, ConnectionId } = await connected({ clock })
    await clock.advance(9 * 60_000)
    await post(ConnectionId)
    await clock.advance(9 * 60_000)
    expect(bench.gateway.connectionCount()).toBe(1)
    await clock.advance(60_000)
    expect((await client.closed).code).toBe(1001)
  })

  it('MGMT-8: a client that does not read gets 429 once its buffer is full, and others are not held up', async () => {
    const { client, ConnectionId } = await connected({ maxBufferedBytes: 65_536 })
    client.socket.pause()
    let error: unknown
    for (let n = 0; n < 2000 && error === undefined; n++)
      error = await post(ConnectionId, 'x'.repeat(100_000)).then(
        () => undefined,
        (reason: unknown) => reason,
      )
    expect(error).toBeInstanceOf(LimitExceededException)
    const other = await bench.open()
    const otherId = (await bench.nextEvent('connect')).requestContext.connectionId
    await post(otherId, 'hello')
    expect((await other.next()).text).toBe('hello')
  })

  it('MGMT-8, APIGW-97: calls over the account rate are LimitExceededException', async () => {
    const { ConnectionId } = await connected({
      clock: manualClock(),
      limits: { requestsPerSecond: 1, requestBurst: 1 },
    })
    await post(ConnectionId)
    const error = await failure(post(ConnectionId))
    expect(error).toBeInstanceOf(LimitExceededException)
    expect(error.$metadata.httpStatusCode).toBe(429)
  })

  it('APIGW-19, MGMT-12: while $connect runs the connection is gone', async () => {
    let error: unknown
    bench = await gatewayBench({
      handlers: {
        connect: async (event) => {
          error = await failure(post(event.requestContext.connectionId))
          return { statusCode: 200 }
        },
      },
    })
    await bench.open()
    expect(error).toBeInstanceOf(GoneException)
  })

  it('APIGW-93: inside $disconnect the connection is gone', async () => {
    let error: unknown
    const { client } = await connected({
      handlers: {
        connect: ok,
        disconnect: async (event) => {
          error = await failure(post(event.requestContext.connectionId))
        },
      },
      logs: { write: () => undefined },
    })
    client.socket.close()
    await bench.nextEvent('disconnect')
    await expect.poll(() => error).toBeInstanceOf(GoneException)
  })
})

describe('GET and DELETE', () => {
  it('MGMT-2: GET tells since when, when last active and who, in ISO 8601', async () => {
    const clock = manualClock(Date.UTC(2026, 0, 1))
    const { ConnectionId } = await connected({ clock })
    await clock.advance(5000)
    await post(ConnectionId)
    const answer = await sdk().send(new GetConnectionCommand({ ConnectionId }))
    expect(answer).toMatchObject({
      ConnectedAt: new Date('2026-01-01T00:00:00.000Z'),
      LastActiveAt: new Date('2026-01-01T00:00:05.000Z'),
    })
    const raw = await fetch(`${bench.management}/@connections/${ConnectionId}`, {
      headers: unverifiable,
    })
    expect(await raw.json()).toEqual({
      connectedAt: '2026-01-01T00:00:00.000Z',
      lastActiveAt: '2026-01-01T00:00:05.000Z',
      identity: { sourceIp: '127.0.0.1', userAgent: 'test' },
    })
  })
})

describeLocal('fault', 'faults on purpose', () => {
  async function withFault(fault: Fault) {
    return connected({ faults: { at: (seam) => (seam === 'management.post' ? fault : undefined) } })
  }

  it('MGMT-17: an injected throttle is the documented 429', async () => {
    const { ConnectionId } = await withFault({ kind: 'throttle' })
    expect(await failure(post(ConnectionId))).toBeInstanceOf(LimitExceededException)
  })

  it('MGMT-13: an injected loss answers 200 and delivers nothing', async () => {
    const { client, ConnectionId } = await withFault({ kind: 'drop' })
    await post(ConnectionId, 'lost')
    client.socket.ping()
    await new Promise((done) => client.socket.once('pong', done))
    expect(client.unread()).toBe(0)
  })

  it('an injected duplicate delivers the message again', async () => {
    const { client, ConnectionId } = await withFault({ kind: 'duplicate', times: 1 })
    await post(ConnectionId, 'twice')
    expect([(await client.next()).text, (await client.next()).text]).toEqual(['twice', 'twice'])
  })

  it('an injected error has the status and name it was given', async () => {
    const { ConnectionId } = await withFault({ kind: 'error', status: 503, code: 'Unavailable' })
    expect(await failure(post(ConnectionId))).toMatchObject({ name: 'Unavailable' })
  })
})

const unverifiable = {
  'x-amz-date': '20261123T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKIALOCAL/20261123/eu-west-1/execute-api/aws4_request, SignedHeaders=host, Signature=00',
}
