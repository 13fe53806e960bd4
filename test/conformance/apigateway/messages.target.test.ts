import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client } from './client.ts'
import { openSockets } from './world.ts'
import type { SocketWorld } from './world.ts'

let world: SocketWorld
let client: Client
beforeEach(async () => {
  world = await openSockets()
  client = await world.open()
})
afterEach(() => world.close())

async function ask(message: unknown): Promise<string> {
  client.send(message)
  return (await client.next()).text
}

describe('route selection', () => {
  it('APIGW-1, APIGW-7: the route whose key is the action, whole and case-sensitively', async () => {
    expect(await ask({ action: 'hello' })).toBe('hello')
    const other = { action: 'Hello' }
    expect(await ask(other)).toBe(`${JSON.stringify(other).length}`)
    expect((await world.nextEvent('default')).requestContext.routeKey).toBe('$default')
  })

  it.each([
    ['not json'],
    ['[1,2]'],
    ['null'],
    ['7'],
    ['{"other":1}'],
    ['{"action":null}'],
    ['""'],
    ['{"action":"unheard-of"}'],
  ])('APIGW-9, APIGW-8: %s goes to $default', async (message) => {
    expect(await ask(message)).toBe(`${message.length}`)
    expect((await world.nextEvent('default')).requestContext.routeKey).toBe('$default')
  })

  it.each([['$connect'], ['$disconnect']])(
    'APIGW-12: an action that is literally %s does not run that route',
    async (action) => {
      const message = JSON.stringify({ action })
      expect(await ask(message)).toBe(`${message.length}`)
      expect(await world.events('connect')).toHaveLength(1)
      expect(await world.events('disconnect')).toHaveLength(0)
    },
  )
})

describe('answers', () => {
  it('APIGW-74: without a route response the returned body is not sent', async () => {
    client.send({ action: 'quiet' })
    await world.nextEvent('quiet')
    expect(await ask({ action: 'hello' })).toBe('hello')
  })

  it('APIGW-75: with a route response the body is sent as a text frame', async () => {
    client.send({ action: 'hello' })
    expect(await client.next()).toEqual({ text: 'hello', isBinary: false })
  })

  it.each([[400], [500]])(
    'APIGW-76: statusCode %i neither closes the socket nor makes an error frame',
    async (statusCode) => {
      client.send({ action: 'status', statusCode })
      await world.nextEvent('status')
      expect(await ask({ action: 'hello' })).toBe('hello')
    },
  )

  it.each([
    ['throws', 'throw'],
    ['answers no proxy response', 'text'],
  ])(
    'APIGW-77, APIGW-78: a function that %s gives the documented frame with the request id of the message',
    async (_, action) => {
      const text = await ask({ action })
      const { connectionId, requestId } = (await world.nextEvent(action)).requestContext
      expect(text).toBe(
        `{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
      )
      expect(await ask({ action: 'hello' })).toBe('hello')
    },
  )
})

describe('the MESSAGE event', () => {
  it('APIGW-43: has exactly requestContext, body and isBase64Encoded', async () => {
    await ask('raw text')
    const event = await world.nextEvent('default')
    expect(Object.keys(event).sort()).toEqual(['body', 'isBase64Encoded', 'requestContext'])
    expect(event).toMatchObject({ body: 'raw text', isBase64Encoded: false })
  })

  it('APIGW-36, APIGW-38, APIGW-39, APIGW-41, APIGW-44: its context names message, request and a constant connectedAt', async () => {
    await ask('x')
    const connect = (await world.nextEvent('connect')).requestContext
    const context = (await world.nextEvent('default')).requestContext
    expect(context).toMatchObject({
      routeKey: '$default',
      eventType: 'MESSAGE',
      messageDirection: 'IN',
      messageId: expect.stringMatching(/^[\w-]{15}=$/) as string,
      extendedRequestId: context.requestId,
      connectedAt: connect.connectedAt,
      connectionId: connect.connectionId,
    })
    expect(context.requestId).not.toBe(connect.requestId)
  })
})

describe('the DISCONNECT event', () => {
  it('APIGW-45, APIGW-46: has the four headers, no query and no body', async () => {
    client.socket.close(4000, 'done here')
    const event = await world.nextEvent('disconnect')
    expect(event.headers).toEqual({
      Host: world.domainName,
      'x-api-key': '',
      'X-Forwarded-For': '',
      'x-restapi': '',
    })
    expect(Object.keys(event).sort()).toEqual([
      'headers',
      'isBase64Encoded',
      'multiValueHeaders',
      'requestContext',
    ])
    expect(event.multiValueHeaders?.['x-api-key']).toEqual([''])
    expect(event.requestContext).toMatchObject({
      routeKey: '$disconnect',
      eventType: 'DISCONNECT',
      messageDirection: 'IN',
      disconnectStatusCode: 4000,
      disconnectReason: 'done here',
    })
  })

  it('APIGW-47: a close without a code is 1005 with the documented reason', async () => {
    client.socket.close()
    expect((await world.nextEvent('disconnect')).requestContext).toMatchObject({
      disconnectStatusCode: 1005,
      disconnectReason: 'Client-side close frame status not set',
    })
  })

  it('APIGW-48: a tab that is closed is 1001 with an empty reason', async () => {
    client.socket.close(1001)
    expect((await world.nextEvent('disconnect')).requestContext).toMatchObject({
      disconnectStatusCode: 1001,
      disconnectReason: '',
    })
  })
})
