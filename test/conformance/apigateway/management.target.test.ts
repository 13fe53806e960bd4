import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client } from './client.ts'
import { frameLengths } from './raw-frames.ts'
import { signerOf } from './signing.ts'
import { openSockets } from './world.ts'
import type { SocketWorld } from './world.ts'

let world: SocketWorld
let client: Client
let ConnectionId: string
beforeEach(async () => {
  world = await openSockets()
  client = await world.open({ headers: { 'User-Agent': 'test' } })
  ConnectionId = (await world.nextEvent('connect')).requestContext.connectionId
})
afterEach(() => world.close())

/** Of valid format, and nobody's. */
const gone = 'BFaT_fALIAMCKug='
const post = (id: string, Data: string | Uint8Array = 'x') =>
  world.sdk.send(new PostToConnectionCommand({ ConnectionId: id, Data }))
const failure = (call: Promise<unknown>) =>
  call.then(
    () => {
      throw new Error('did not fail')
    },
    (error: unknown) => error as Error & { $metadata: { httpStatusCode: number } },
  )

/** `fetch` writes the header itself. */
const withoutHost = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'host'))

/** A request whose path no SDK would write, signed with the SDK's credentials. */
async function signedFetch(method: string, path: string, body?: string): Promise<Response> {
  const { protocol, host, hostname, origin } = new URL(world.management)
  const credentials = await world.sdk.config.credentials()
  const { headers } = await signerOf({ credentials, region: world.account.region }).sign({
    ...{ method, protocol, hostname, path },
    headers: { host },
    ...(body !== undefined && { body }),
  })
  return fetch(`${origin}${path}`, {
    method,
    headers: withoutHost(headers),
    ...(body !== undefined && { body }),
  })
}

describe('POST', () => {
  it('MGMT-1, MGMT-14: sends the body as one text message, even when given bytes', async () => {
    const { $metadata } = await post(ConnectionId, new TextEncoder().encode('grüße'))
    expect($metadata.httpStatusCode).toBe(200)
    expect(await client.next()).toEqual({ text: 'grüße', isBinary: false })
  })

  it('MGMT-1: messages of one poster arrive in the order posted', async () => {
    for (let n = 0; n < 20; n++) await post(ConnectionId, String(n))
    for (let n = 0; n < 20; n++) expect((await client.next()).text).toBe(String(n))
  })

  it('MGMT-4, MGMT-9: a closed connection is GoneException', async () => {
    client.socket.close()
    await world.nextEvent('disconnect')
    const error = await failure(post(ConnectionId))
    expect(error).toBeInstanceOf(GoneException)
    expect(error.$metadata.httpStatusCode).toBe(410)
  })

  it('MGMT-4: an id that never was, of valid format, is gone as well', async () => {
    expect(await failure(post(gone))).toBeInstanceOf(GoneException)
  })

  it('MGMT-5: an id of another format is a BadRequestException', async () => {
    expect(await failure(post('not-an-id'))).toMatchObject({
      name: 'BadRequestException',
      message: 'Invalid connectionId: not-an-id',
      $metadata: { httpStatusCode: 400 },
    })
  })

  it('MGMT-6: another stage is Forbidden', async () => {
    const path = `/other/@connections/${encodeURIComponent(ConnectionId)}`
    const response = await signedFetch('POST', path, 'x')
    expect(response.status).toBe(403)
    expect(response.headers.get('x-amzn-errortype')).toBe('ForbiddenException')
    expect(await response.json()).toEqual({ message: 'Forbidden' })
  })

  it('MGMT-6: a call without a signature is 403', async () => {
    const url = `${world.management}/@connections/${encodeURIComponent(ConnectionId)}`
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(403)
  })

  it('MGMT-7: 128 KB pass, one byte more is PayloadTooLargeException', async () => {
    await post(ConnectionId, 'x'.repeat(131_072))
    expect((await client.next()).text).toHaveLength(131_072)
    const error = await failure(post(ConnectionId, 'x'.repeat(131_073)))
    expect(error).toBeInstanceOf(PayloadTooLargeException)
    expect(error.$metadata.httpStatusCode).toBe(413)
  })

  it.each([
    ['@connections', (id: string) => id],
    ['%40connections', encodeURIComponent],
  ])('MGMT-10: the id and the @ may be URL-encoded: %s', async (collection, encode) => {
    expect(ConnectionId).toMatch(/=$/)
    const response = await signedFetch('POST', `/prod/${collection}/${encode(ConnectionId)}`, 'x')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
    expect((await client.next()).text).toBe('x')
  })

  it('MGMT-15, APIGW-84: a message over 32 KB leaves in frames of at most 32 KB', async () => {
    const raw = await world.raw()
    const { connectionId } = (await world.nextEvent('connect')).requestContext
    await post(connectionId, 'x'.repeat(70_000))
    await expect.poll(() => raw.received().length, { timeout: 5000 }).toBeGreaterThan(70_000)
    const frames = frameLengths(raw.received())
    expect(frames.reduce((sum, [, length]) => sum + length, 0)).toBe(70_000)
    expect(Math.max(...frames.map(([, length]) => length))).toBeLessThanOrEqual(32_768)
    expect(frames.map(([first]) => first)).toEqual([
      0x01,
      ...frames.slice(1, -1).map(() => 0x00),
      0x80,
    ])
  })
})

describe('GET and DELETE', () => {
  it('MGMT-2: GET tells since when, when last active and who, in ISO 8601', async () => {
    const { connectedAt } = (await world.events('connect'))[0]!.requestContext
    await post(ConnectionId)
    const answer = await world.sdk.send(new GetConnectionCommand({ ConnectionId }))
    expect(answer.ConnectedAt?.getTime()).toBeCloseTo(connectedAt, -4)
    expect(answer.LastActiveAt?.getTime()).toBeGreaterThanOrEqual(answer.ConnectedAt!.getTime())
    const path = `/prod/@connections/${encodeURIComponent(ConnectionId)}`
    const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string
    expect(await (await signedFetch('GET', path)).json()).toEqual({
      connectedAt: iso,
      lastActiveAt: iso,
      identity: { sourceIp: expect.stringMatching(/^[\d.:a-f]+$/) as string, userAgent: 'test' },
    })
  })

  it('MGMT-3, APIGW-91: DELETE answers 204, closes the socket, and $disconnect follows', async () => {
    const { $metadata } = await world.sdk.send(new DeleteConnectionCommand({ ConnectionId }))
    expect($metadata.httpStatusCode).toBe(204)
    await client.closed
    expect((await world.nextEvent('disconnect')).requestContext.connectionId).toBe(ConnectionId)
    expect(await failure(post(ConnectionId))).toBeInstanceOf(GoneException)
  })

  it('MGMT-4: GET and DELETE of a gone id are 410', async () => {
    const input = { ConnectionId: gone }
    const { sdk } = world
    expect(await failure(sdk.send(new GetConnectionCommand(input)))).toBeInstanceOf(GoneException)
    expect(await failure(sdk.send(new DeleteConnectionCommand(input)))).toBeInstanceOf(
      GoneException,
    )
  })
})
