import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { expect } from 'vitest'
import WebSocket from 'ws'
import { waitFor } from '../support/wait.ts'
import {
  bench,
  calm,
  describeSeams,
  endLater,
  isDelayed,
  once,
  refuses,
  runsSettleAt,
  throttles,
  twice,
  type Cases,
} from './seam-kit.ts'

interface Socket {
  readonly socket: WebSocket
  readonly id: string
  readonly received: string[]
}
async function socket(): Promise<Socket> {
  const before = new Set(connectionIds)
  const client = new WebSocket(bench.system.endpoints.websocket)
  const received: string[] = []
  client.on('message', (data: Buffer) => received.push(data.toString()))
  await new Promise((resolve) => client.once('open', resolve))
  endLater({
    end: () => {
      client.terminate()
    },
  })
  // A message of the client's is answered with an error frame, and that names the connection.
  client.send('{}')
  const frame = await waitFor(() => received.shift(), 'the error frame')
  const id = (JSON.parse(frame) as { connectionId: string }).connectionId
  expect(before.has(id)).toBe(false)
  connectionIds.push(id)
  return { socket: client, id, received }
}
const connectionIds: string[] = []
const post = ({ id }: Socket, data = 'x') =>
  new ApiGatewayManagementApiClient({
    ...bench.aws,
    endpoint: bench.system.endpoints.management,
  }).send(new PostToConnectionCommand({ ConnectionId: id, Data: Buffer.from(data) }))

const cases: Cases<'sockets'> = {
  'management.post': {
    async throttle() {
      const client = await socket()
      await throttles('management.post', 'LimitExceededException', () => post(client))
    },
    async error() {
      const client = await socket()
      await refuses('management.post', () => post(client))
    },
    async delay() {
      const client = await socket()
      await isDelayed('management.post', () => post(client))
    },
    async drop() {
      const client = await socket()
      once('management.post', { kind: 'drop' }, client.id)
      await post(client, 'lost')
      await post(client, 'kept')
      expect(await waitFor(() => client.received[0], 'a message')).toBe('kept')
    },
    async duplicate() {
      const client = await socket()
      once('management.post', twice, client.id)
      await post(client, 'a')
      await post(client, 'b')
      await waitFor(() => client.received.includes('b'), 'the last message')
      expect(client.received).toEqual(['a', 'a', 'a', 'b'])
    },
  },
  'gateway.disconnect': {
    async delay() {
      const before = await calm()
      const { socket: client, id } = await socket()
      once('gateway.disconnect', { kind: 'delay', ms: 60_000 }, id)
      client.terminate()
      await waitFor(() => bench.injected() === 1, 'the fault')
      expect(await bench.runs()).toBe(before)
      await bench.clock.advance(60_000)
      await runsSettleAt(before + 1)
    },
    async drop() {
      const before = await calm()
      const [first, second] = [await socket(), await socket()]
      once('gateway.disconnect', { kind: 'drop' }, first.id)
      first.socket.terminate()
      await waitFor(() => bench.injected() === 1, 'the fault')
      second.socket.terminate()
      await runsSettleAt(before + 1)
    },
  },
}

describeSeams('sockets', cases)
