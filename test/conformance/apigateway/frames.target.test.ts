import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { frame } from './raw-frames.ts'
import { openSockets } from './world.ts'
import type { SocketWorld } from './world.ts'

let world: SocketWorld
beforeEach(async () => {
  world = await openSockets()
})
afterEach(() => world.close())

const part = (fin: boolean, opcode: number) =>
  frame({ fin, opcode, payload: Buffer.alloc(32_768, 'x') })

/** The code of the close frame that the client got, and of $disconnect. */
async function closedWith(...frames: Buffer[]): Promise<{ sent: number; reported: number }> {
  const raw = await world.raw()
  raw.socket.write(Buffer.concat(frames))
  const event = await world.nextEvent('disconnect')
  await expect.poll(() => raw.received().length, { timeout: 5000 }).toBeGreaterThan(3)
  const bytes = raw.received()
  expect(bytes[0]).toBe(0x88)
  return {
    sent: bytes.readUInt16BE(2),
    reported: event.requestContext.disconnectStatusCode ?? 0,
  }
}

describe('limits of frames and messages', () => {
  it.each<[string, Buffer[], number]>([
    ['APIGW-82: a binary frame', [frame({ opcode: 2, payload: 'x' })], 1003],
    ['APIGW-84: a frame over 32 KB', [frame({ payload: Buffer.alloc(32_769, 'x') })], 1009],
    [
      'APIGW-84: a message over 128 KB in frames of 32 KB',
      [
        part(false, 1),
        part(false, 0),
        part(false, 0),
        part(false, 0),
        frame({ opcode: 0, payload: 'x' }),
      ],
      1009,
    ],
  ])('%s closes the connection', async (_, frames, code) => {
    expect(await closedWith(...frames)).toEqual({ sent: code, reported: code })
  })

  it('APIGW-84: a frame of exactly 32 KB and a message of exactly 128 KB pass', async () => {
    const { socket } = await world.raw()
    socket.write(part(true, 1))
    expect((await world.nextEvent('default')).body).toHaveLength(32_768)
    socket.write(Buffer.concat([part(false, 1), part(false, 0), part(false, 0), part(true, 0)]))
    expect((await world.nextEvent('default')).body).toHaveLength(131_072)
  })

  it('APIGW-86, APIGW-85: the client of npm sends one frame, so its limit is 32 KB', async () => {
    const client = await world.open()
    client.send('x'.repeat(32_768))
    expect((await client.next()).text).toBe('32768')
    client.send('x'.repeat(32_769))
    expect((await client.closed).code).toBe(1009)
  })

  it('APIGW-84: a message before an oversized frame in the same chunk is handled, then the connection is closed', async () => {
    const raw = await world.raw()
    raw.socket.write(
      Buffer.concat([
        frame({ fin: false, payload: 'be' }),
        frame({ opcode: 9, payload: 'p' }),
        frame({ opcode: 0, payload: 'fore' }),
        frame({ payload: Buffer.alloc(40_000, 'x') }),
        frame({ payload: 'after' }),
      ]),
    )
    expect((await world.nextEvent('disconnect')).requestContext.disconnectStatusCode).toBe(1009)
    expect((await world.nextEvent('default')).body).toBe('before')
    expect(await world.events('default')).toHaveLength(1)
  })

  it('APIGW-90: a ping of the client is answered', async () => {
    const client = await world.open()
    const pong = new Promise<Buffer>((resolve) => client.socket.once('pong', resolve))
    client.socket.ping('there?')
    expect((await pong).toString()).toBe('there?')
  })
})
