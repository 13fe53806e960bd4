import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createHttpServer } from './http-server.ts'

const server = createHttpServer((_, response) => response.end('ok'), {
  headersTimeout: 100,
  requestTimeout: 200,
  connectionsCheckingInterval: 20,
})
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  server.close()
})

it('ends connections that send nothing, half a head or half a body', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const beginnings = ['', 'GET / HT', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc']
  await Promise.all(
    beginnings.map(async (text) => {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      socket.resume()
      socket.write(text)
      await once(socket, 'close')
    }),
  )
})

it('does so after ten seconds for the head and thirty for the whole, unless told otherwise', () => {
  const usual = createHttpServer(() => undefined)
  expect([usual.headersTimeout, usual.requestTimeout]).toEqual([10_000, 30_000])
})
