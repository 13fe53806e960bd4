import { afterEach, describe, expect, it } from 'vitest'
import { closeFrame, frame } from './raw-frames.ts'
import { gatewayBench, rawSocket } from './support.ts'
import type { GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })

async function opened() {
  bench = await gatewayBench({
    handlers: {
      connect: ok,
      disconnect: ok,
      default: (event) => ({ statusCode: 200, body: `${event.body?.length ?? 0}` }),
    },
    twoWay: ['default'],
  })
  return rawSocket(bench.gateway)
}

/** The code of the close frame that the server sent, and of $disconnect. */
async function closedWith(...frames: Buffer[]): Promise<{ sent: number; reported: number }> {
  const raw = await opened()
  raw.socket.write(Buffer.concat(frames))
  const event = await bench.nextEvent('disconnect')
  await expect.poll(() => raw.received().length).toBeGreaterThan(3)
  const bytes = raw.received()
  raw.socket.destroy()
  expect(bytes[0]).toBe(0x88)
  return {
    sent: bytes.readUInt16BE(2),
    reported: event.requestContext.disconnectStatusCode ?? 0,
  }
}

describe('raw frames (MEASURE-4)', () => {
  it.each<[string, Buffer[], number]>([
    ['an unmasked frame', [frame({ payload: 'x', masked: false })], 1002],
    ['RSV1 without an extension', [frame({ payload: 'x', rsv1: true })], 1002],
    ['a reserved data opcode', [frame({ opcode: 3 })], 1002],
    ['a reserved control opcode', [frame({ opcode: 0xb })], 1002],
    ['a continuation of nothing', [frame({ opcode: 0, payload: 'x' })], 1002],
    [
      'a new message inside a fragmented one',
      [frame({ fin: false, payload: 'x' }), frame({ payload: 'y' })],
      1002,
    ],
    ['a fragmented control frame', [frame({ opcode: 9, fin: false })], 1002],
    ['a control frame over 125 bytes', [frame({ opcode: 9, payload: Buffer.alloc(126) })], 1002],
    ['a close frame with one byte', [frame({ opcode: 8, payload: 'x' })], 1002],
    ['a close code that may not be sent', [closeFrame(1005)], 1002],
    ['a close code below 1000', [closeFrame(999)], 1002],
    ['a close reason that is no UTF-8', [closeFrame(1000, Buffer.from([0xff]))], 1007],
    ['text that is no UTF-8', [frame({ payload: Buffer.from([0xc3, 0x28]) })], 1007],
    ['APIGW-84: a frame that announces 1 GB', [frame({ length: 2 ** 30 })], 1009],
    [
      '20,001 tiny fragments',
      [
        frame({ fin: false, payload: 'x' }),
        ...Array.from({ length: 20_000 }, () => frame({ fin: false, opcode: 0, payload: 'x' })),
      ],
      1008,
    ],
  ])('%s closes the connection', async (_, frames, code) => {
    expect(await closedWith(...frames)).toEqual({ sent: code, reported: code })
  })

  it('APIGW-85: the announced length is enough, the payload is not waited for', async () => {
    expect(await closedWith(frame({ length: 40_000 }))).toEqual({ sent: 1009, reported: 1009 })
  })

  it('APIGW-82: a binary frame before an oversized one in the same chunk is what closes', async () => {
    const frames = [frame({ opcode: 2, payload: 'x' }), frame({ length: 40_000 })]
    expect(await closedWith(...frames)).toEqual({ sent: 1003, reported: 1003 })
  })

  it('nothing of an oversized frame reaches a function', async () => {
    await closedWith(frame({ payload: Buffer.alloc(40_000, 'x') }), frame({ payload: 'after' }))
    expect(bench.events('default')).toEqual([])
  })

  it('many small messages in one chunk are all handled', async () => {
    const raw = await opened()
    const count = 2000
    raw.socket.write(Buffer.concat(Array.from({ length: count }, () => frame({ payload: 'x' }))))
    await expect.poll(() => bench.events('default').length).toBe(count)
    raw.socket.destroy()
  })

  it('frames cut at every byte are put together', async () => {
    const raw = await opened()
    raw.socket.setNoDelay(true)
    const bytes = Buffer.concat([
      frame({ payload: 'y'.repeat(200) }),
      frame({ opcode: 9, payload: 'p' }),
      frame({ payload: 'z' }),
    ])
    for (const byte of bytes) await new Promise((done) => raw.socket.write(Buffer.of(byte), done))
    expect((await bench.nextEvent('default')).body).toBe('y'.repeat(200))
    expect((await bench.nextEvent('default')).body).toBe('z')
    raw.socket.destroy()
  })

  it('bytes sent before the handshake is answered are the first message', async () => {
    bench = await gatewayBench({ handlers: { connect: ok, default: ok } })
    const { socket } = await rawSocket(bench.gateway, { after: frame({ payload: 'early' }) })
    expect((await bench.nextEvent('default')).body).toBe('early')
    socket.destroy()
  })
})

describe('malformed handshakes (MEASURE-4)', () => {
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  const version = 'Sec-WebSocket-Version: 13'
  const empty = 'Content-Length: 0'
  const upgrade = ['Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: Upgrade']
  it.each<[string, { headers: string[]; method?: string }, number]>([
    ['version 12', { headers: [...upgrade, key, 'Sec-WebSocket-Version: 12'] }, 400],
    ['no version', { headers: [...upgrade, key] }, 400],
    [
      'a bad key',
      { headers: [...upgrade, 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'] },
      400,
    ],
    ['no key', { headers: [...upgrade, 'Sec-WebSocket-Version: 13'] }, 400],
    [
      'a subprotocol offered twice',
      { headers: [...upgrade, key, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: a, a'] },
      400,
    ],
    [
      'another upgrade',
      { headers: ['Host: 127.0.0.1', 'Upgrade: h2c', 'Connection: Upgrade', key] },
      400,
    ],
    // RFC 6455, 4.2.1: the request is a GET; `ws`, which MEASURE-4 was measured on, says 405 to a POST that asks for an upgrade …
    ['a POST with an upgrade', { headers: [...upgrade, key, version], method: 'POST' }, 405],
    // … and a server behind it 426 to one that does not (RFC 9110, 15.5.22): the row `POST` of MEASURE-4.
    ['a POST without one', { headers: ['Host: 127.0.0.1', empty], method: 'POST' }, 426],
    ['no upgrade at all', { headers: ['Host: 127.0.0.1'] }, 426],
  ])('%s is refused before $connect runs', async (_, request, status) => {
    bench = await gatewayBench({ handlers: { connect: ok } })
    const raw = await rawSocket(bench.gateway, request)
    expect(raw.response).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(bench.events('connect')).toEqual([])
    raw.socket.destroy()
  })
})
