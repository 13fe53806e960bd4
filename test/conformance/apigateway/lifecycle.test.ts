import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { Fault } from '../../../infra/local/platform/types.ts'
import { describeLocal } from '../target.ts'
import { gatewayBench, rawSocket } from './support.ts'
import type { BenchOptions, GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
const minute = 60_000

async function connected(options: BenchOptions = {}) {
  bench = await gatewayBench({
    handlers: {
      connect: ok,
      disconnect: ok,
      echo: (event) => ({ statusCode: 200, body: event.body }),
    },
    twoWay: ['echo'],
    ...options,
  })
  return bench.open()
}

describe('$disconnect', () => {
  it('APIGW-49: a cut TCP connection is 1006', async () => {
    await connected()
    await bench.dropClients()
    expect((await bench.nextEvent('disconnect')).requestContext.disconnectStatusCode).toBe(1006)
  })

  it('APIGW-91: it runs once, also when both sides close', async () => {
    const clock = manualClock()
    const client = await connected({ clock })
    await clock.advance(10 * minute)
    await client.closed
    await bench.nextEvent('disconnect')
    expect(bench.events('disconnect')).toHaveLength(1)
    expect(bench.gateway.connectionCount()).toBe(0)
  })

  it('APIGW-92: it can be lost on demand', async () => {
    const lost: Fault = { kind: 'drop' }
    const client = await connected({
      faults: { at: (seam) => (seam === 'gateway.disconnect' ? lost : undefined) },
    })
    client.socket.close()
    await client.closed
    await expect.poll(() => bench.gateway.connectionCount()).toBe(0)
    expect(bench.events('disconnect')).toEqual([])
  })

  it('APIGW-93: its result is ignored', async () => {
    const client = await connected({
      handlers: {
        connect: ok,
        disconnect: () => {
          throw new Error('x')
        },
      },
    })
    client.socket.close()
    await bench.nextEvent('disconnect')
    await expect(bench.open()).resolves.toBeDefined()
  })
})

describeLocal('clock', 'time', () => {
  it('APIGW-87, APIGW-89: ten minutes without a message close the connection with 1001', async () => {
    const clock = manualClock()
    const client = await connected({ clock })
    await clock.advance(10 * minute - 1)
    expect(bench.gateway.connectionCount()).toBe(1)
    await clock.advance(1)
    expect((await client.closed).code).toBe(1001)
    expect((await bench.nextEvent('disconnect')).requestContext.disconnectStatusCode).toBe(1001)
  })

  it('APIGW-87: a message of the client starts the ten minutes anew', async () => {
    const clock = manualClock()
    const client = await connected({ clock, handlers: { quiet: ok }, twoWay: [] })
    await clock.advance(9 * minute)
    client.send({ action: 'quiet' })
    await bench.nextEvent('quiet')
    await clock.advance(9 * minute)
    expect(bench.gateway.connectionCount()).toBe(1)
    await clock.advance(minute)
    expect((await client.closed).code).toBe(1001)
  })

  it('APIGW-90: protocol pings are answered but are no messages', async () => {
    const clock = manualClock()
    const client = await connected({ clock })
    await clock.advance(9 * minute)
    client.socket.ping()
    await new Promise((resolve) => client.socket.once('pong', resolve))
    await clock.advance(minute)
    expect((await client.closed).code).toBe(1001)
  })

  it('APIGW-88: two hours end a connection whatever the traffic', async () => {
    const clock = manualClock()
    const client = await connected({ clock })
    for (let passed = 0; passed < 119; passed += 7) {
      client.send({ action: 'echo' })
      await client.next()
      await clock.advance(7 * minute)
    }
    expect(bench.gateway.connectionCount()).toBe(1)
    await clock.advance(minute)
    expect((await client.closed).code).toBe(1001)
  })
})

describe('stopping', () => {
  it('leaves no connection and no port, also while a handshake is pending', async () => {
    bench = await gatewayBench({ handlers: { connect: () => new Promise(() => undefined) } })
    const opening = bench.open().catch(() => 'failed')
    await bench.nextEvent('connect')
    const url = bench.management
    await bench.gateway.stop()
    expect(await opening).toBe('failed')
    await expect(fetch(url)).rejects.toThrow()
    await bench.gateway.start()
  })

  it('a port in use is one line that names it', async () => {
    await connected()
    const other = gatewayBench({ port: bench.gateway.port })
    await expect(other).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(bench.gateway.port)) as string,
    })
  })
})

describe('a client that reads slowly', () => {
  it('is not listened to while its answers pile up, so memory is bounded', async () => {
    bench = await gatewayBench({
      handlers: { connect: ok, big: () => ({ statusCode: 200, body: 'x'.repeat(120_000) }) },
      twoWay: ['big'],
      maxBufferedBytes: 65_536,
    })
    const count = 300
    const raw = await rawSocket(bench.gateway)
    raw.socket.removeAllListeners('data')
    raw.socket.pause()
    const ask = maskedFrame(Buffer.from(JSON.stringify({ action: 'big', pad: 'x'.repeat(20_000) })))
    for (let n = 0; n < count; n++) raw.socket.write(ask)
    await expect.poll(() => bench.events('big').length).toBeGreaterThan(0)
    await settled(() => bench.events('big').length)
    expect(bench.events('big').length).toBeLessThan(count)
    raw.socket.resume()
    await expect.poll(() => bench.events('big').length, { timeout: 20_000 }).toBe(count)
    raw.socket.destroy()
  })
})

/** Waits until a count no longer changes over some turns of the loop. */
async function settled(count: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 200;) {
    await new Promise((resolve) => setImmediate(resolve))
    same = count() === last ? same + 1 : 0
    last = count()
  }
}

function maskedFrame(payload: Buffer): Buffer {
  const header = Buffer.from([0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0])
  header.writeUInt16BE(payload.length, 2)
  return Buffer.concat([header, payload])
}
