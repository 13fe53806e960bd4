import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Refused } from './client.ts'
import { openSockets } from './world.ts'
import type { OpenOptions, SocketWorld } from './world.ts'

let world: SocketWorld
beforeEach(async () => {
  world = await openSockets()
})
afterEach(() => world.close())

async function refusalOf(options: OpenOptions): Promise<Refused> {
  const error: unknown = await world.open(options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Refused) return error
  throw new Error(`not refused: ${String(error)}`)
}

describe('$connect', () => {
  it.each(['200', '201', '204'] as const)(
    'APIGW-16: statusCode %s accepts the connection',
    async (connect) => {
      const { socket } = await world.open({ connect })
      expect(socket.readyState).toBe(socket.OPEN)
    },
  )

  it.each(['400', '401', '403', '429', '500', '503'] as const)(
    'APIGW-17: statusCode %s is the status of the failed handshake',
    async (connect) => {
      expect((await refusalOf({ connect })).status).toBe(Number(connect))
    },
  )

  it.each([
    ['throws', 'throw'],
    ['answers nothing', 'nothing'],
    ['answers text', 'text'],
    ['answers an object without statusCode', 'no status'],
  ] as const)(
    'APIGW-18: a $connect function that %s fails the handshake with 502',
    async (_, connect) => {
      expect((await refusalOf({ connect })).status).toBe(502)
    },
  )

  it('APIGW-20: no $disconnect follows a refused $connect', async () => {
    await refusalOf({ connect: '403' })
    const client = await world.open()
    client.socket.close()
    const { connectionId } = (await world.nextEvent('disconnect')).requestContext
    const [, accepted] = await world.events('connect')
    expect(connectionId).toBe(accepted?.requestContext.connectionId)
    expect(await world.events('disconnect')).toHaveLength(1)
  })
})

describe('subprotocols', () => {
  it('APIGW-24: the offered list reaches $connect as one header', async () => {
    await world.open({ connect: 'subprotocol', protocols: ['gaugeline.v1', 'bearer.abc'] })
    expect((await world.nextEvent('connect')).headers?.['Sec-WebSocket-Protocol']).toBe(
      'gaugeline.v1,bearer.abc',
    )
  })

  it('APIGW-25: the subprotocol that $connect returns is answered', async () => {
    const client = await world.open({
      connect: 'subprotocol',
      protocols: ['bearer.abc', 'gaugeline.v1'],
    })
    expect(client.protocol).toBe('gaugeline.v1')
  })

  it('APIGW-25, APIGW-26: without one from $connect none is answered, and the client fails', async () => {
    await expect(world.open({ protocols: ['gaugeline.v1'] })).rejects.toThrow(/subprotocol/)
  })

  it('APIGW-27: other headers of $connect do not reach the client', async () => {
    const { response } = await world.raw({ more: ['x-connect: header'] })
    expect(response).toMatch(/^HTTP\/1\.1 101 /)
    expect(response).not.toMatch(/x-secret/i)
  })
})

describe('refused before anything runs', () => {
  it('APIGW-22: an unknown stage is Forbidden', async () => {
    const { response, received } = await world.raw({ path: '/produ' })
    expect(response).toMatch(/^HTTP\/1\.1 403 /)
    await expect.poll(() => received().toString()).toContain('{"message":"Forbidden"}')
    expect(await world.events('connect')).toEqual([])
  })

  it('APIGW-23: a plain GET is answered 426', async () => {
    expect((await fetch(world.management)).status).toBe(426)
  })

  it('APIGW-28: a URL over 4096 characters is refused', async () => {
    const { response } = await world.raw({ path: `/prod?x=${'y'.repeat(4096)}` })
    expect(response).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(await world.events('connect')).toEqual([])
  })
})

describe('the CONNECT event', () => {
  const connectEvent = async (options: OpenOptions = {}) => {
    await world.open(options)
    return world.nextEvent('connect')
  }

  it('APIGW-31, APIGW-32: has headers and no body, and no query members without a query', async () => {
    expect(Object.keys(await connectEvent()).sort()).toEqual([
      'headers',
      'isBase64Encoded',
      'multiValueHeaders',
      'requestContext',
    ])
  })

  it('APIGW-33: a repeated query key gives its last value, and all in the multi-value map', async () => {
    expect(await connectEvent({ path: '?a=1&a=2&b=x%20y' })).toMatchObject({
      queryStringParameters: { a: '2', b: 'x y' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: ['x y'] },
    })
  })

  it('APIGW-34: header names are canonical and hop-by-hop headers absent', async () => {
    const origin = 'http://127.0.0.1:8080'
    const { headers = {}, multiValueHeaders } = await connectEvent({
      headers: { origin, 'user-agent': 'test' },
    })
    expect(headers).toMatchObject({
      Origin: origin,
      'User-Agent': 'test',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': expect.any(String) as string,
    })
    expect(Object.keys(headers)).not.toContain('Connection')
    expect(Object.keys(headers)).not.toContain('Upgrade')
    expect(multiValueHeaders?.Origin).toEqual([origin])
  })

  it('APIGW-35: X-Forwarded headers and a trace id are added', async () => {
    expect((await connectEvent()).headers).toMatchObject({
      Host: world.domainName,
      'X-Forwarded-For': expect.stringMatching(/^[\d.:a-f]+$/) as string,
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
      'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/) as string,
    })
  })

  it('APIGW-36, APIGW-37, APIGW-38, APIGW-39, APIGW-42, APIGW-50: the context has the documented shape', async () => {
    const { requestContext } = await connectEvent()
    const id = expect.stringMatching(/^[A-Za-z0-9_-]{15}=$/) as string
    const time = /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/
    expect(requestContext).toEqual({
      routeKey: '$connect',
      eventType: 'CONNECT',
      extendedRequestId: requestContext.requestId,
      requestTime: expect.stringMatching(time) as string,
      messageDirection: 'IN',
      stage: 'prod',
      connectedAt: expect.any(Number) as number,
      requestTimeEpoch: expect.any(Number) as number,
      identity: { sourceIp: expect.stringMatching(/^[\d.:a-f]+$/) as string },
      requestId: id,
      domainName: world.domainName,
      connectionId: id,
      apiId: world.apiId,
    })
  })

  it('APIGW-40: the user agent is in the identity only when sent', async () => {
    const { requestContext } = await connectEvent({ headers: { 'User-Agent': 'Mozilla/5.0' } })
    expect(requestContext.identity.userAgent).toBe('Mozilla/5.0')
    await world.open()
    expect((await world.nextEvent('connect')).requestContext.identity).not.toHaveProperty(
      'userAgent',
    )
  })
})
