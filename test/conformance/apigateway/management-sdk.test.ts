import {
  ApiGatewayManagementApiClient,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { Client } from './client.ts'
import { gatewayBench } from './support.ts'
import type { BenchOptions, GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' }

async function connected(
  options: BenchOptions = {},
): Promise<{ client: Client; ConnectionId: string }> {
  bench = await gatewayBench({ handlers: { connect: ok }, ...options })
  const client = await bench.open()
  return { client, ConnectionId: (await bench.nextEvent('connect')).requestContext.connectionId }
}

const gone = 'BFaT_fALIAMCKug='
const post = (ConnectionId: string, Data: string | Uint8Array = 'x') =>
  new PostToConnectionCommand({ ConnectionId, Data })

describe('errors on the wire', () => {
  const signed = {
    'x-amz-date': '20261123T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIALOCAL/20261123/eu-west-1/execute-api/aws4_request, SignedHeaders=host, Signature=00',
  }
  interface Row {
    readonly id?: string
    readonly body?: string
    readonly headers?: Record<string, string>
    readonly limits?: BenchOptions['limits']
  }
  it.each<[number, string, string, Row]>([
    [400, 'BadRequestException', 'Invalid connectionId: not-an-id', { id: 'not-an-id' }],
    [403, 'ForbiddenException', 'Missing Authentication Token', { headers: {} }],
    [410, 'GoneException', 'Gone', { id: gone }],
    [413, 'PayloadTooLargeException', 'Message too long', { body: 'x'.repeat(131_073) }],
    [429, 'LimitExceededException', 'Rate exceeded', { limits: { requestBurst: 0 } }],
  ])('MGMT-9: %i is %s in x-amzn-ErrorType', async (status, errorType, message, row) => {
    const { ConnectionId } = await connected({
      clock: manualClock(),
      ...(row.limits && { limits: row.limits }),
    })
    const response = await fetch(`${bench.management}/@connections/${row.id ?? ConnectionId}`, {
      method: 'POST',
      body: row.body ?? 'x',
      headers: row.headers ?? signed,
    })
    expect(response.status).toBe(status)
    expect(response.headers.get('x-amzn-errortype')).toBe(errorType)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^[\w-]{15}=$/)
    expect(await response.json()).toEqual({ message })
  })
})

describe('the SDK for JavaScript', () => {
  const client = (endpoint?: string) =>
    new ApiGatewayManagementApiClient({
      region: 'eu-west-1',
      credentials,
      ...(endpoint !== undefined && { endpoint }),
    })

  it('MGMT-17: tries a 429 three times and a 410 once', async () => {
    let tries = 0
    const { ConnectionId } = await connected({
      faults: {
        at: (seam) => {
          if (seam !== 'management.post') return undefined
          tries++
          return { kind: 'throttle' }
        },
      },
    })
    const throttled = client(bench.management).send(post(ConnectionId))
    await expect(throttled).rejects.toBeInstanceOf(LimitExceededException)
    expect(tries).toBe(3)
    await expect(client(bench.management).send(post(gone))).rejects.toMatchObject({
      constructor: GoneException,
      $metadata: { attempts: 1 },
    })
  })

  describe('told by the environment', () => {
    beforeEach(() => vi.unstubAllEnvs())
    afterEach(() => vi.unstubAllEnvs())

    it('MGMT-16: reaches the stage that AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI names', async () => {
      const { client: socket, ConnectionId } = await connected()
      vi.stubEnv('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', bench.management)
      await client().send(post(ConnectionId, 'by environment'))
      expect((await socket.next()).text).toBe('by environment')
    })

    it('MGMT-18: its own endpoint beats the environment', async () => {
      const { client: socket, ConnectionId } = await connected()
      vi.stubEnv('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', 'http://127.0.0.1:1/prod')
      await client(bench.management).send(post(ConnectionId, 'by endpoint'))
      expect((await socket.next()).text).toBe('by endpoint')
    })
  })
})
