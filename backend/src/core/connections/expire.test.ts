import { beforeEach, expect, it } from 'vitest'
import type { Log } from '../telemetry-sink.ts'
import { handleExpiryMessages } from './expire.ts'
import {
  connectionOf,
  fakeClock,
  fakeSockets,
  fakeExpiryQueue,
  identityOf,
  memoryConnections,
  memoryConnectionSubscriptions,
} from './fakes.ts'
import type { Connection, CloseReason } from './ports.ts'

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
let clock: ReturnType<typeof fakeClock>
let sockets: ReturnType<typeof fakeSockets>
let expiryQueue: ReturnType<typeof fakeExpiryQueue>
let subscriptions: ReturnType<typeof memoryConnectionSubscriptions>
let connections: ReturnType<typeof memoryConnections>
beforeEach(() => {
  clock = fakeClock()
  sockets = fakeSockets()
  expiryQueue = fakeExpiryQueue()
  subscriptions = memoryConnectionSubscriptions()
  connections = memoryConnections()
})

const handle = (reason: CloseReason, connectionId = 'c1='): Promise<readonly string[]> =>
  handleExpiryMessages([{ messageId: 'm1', body: JSON.stringify({ connectionId, reason }) }], {
    connections,
    subscriptions,
    sockets,
    expiryQueue,
    clock,
    log: silent,
  })
const open = (change: Partial<Connection> = {}) => connections.open(connectionOf(change))

it('closes a socket whose token has ended: rows first, then 4401, then the socket', async () => {
  await open()
  clock.ms += 3_600_000
  expect(await handle('token')).toEqual([])
  expect(subscriptions.removed).toEqual(['c1='])
  expect(sockets.posted).toMatchObject([{ to: 'c1=', message: { type: 'goaway', code: 4401 } }])
  expect(sockets.closed).toEqual(['c1='])
  expect(await connections.find('c1=')).toBeUndefined()
})

it('queues again while the token lives, when that is not for long; a far end is the sweeper’s to see', async () => {
  await open()
  clock.ms += 900_000
  expect(await handle('token')).toEqual([])
  expect(expiryQueue.sent).toEqual([])
  clock.ms += 2_600_000
  expect(await handle('token')).toEqual([])
  expect(expiryQueue.sent).toEqual([{ connectionId: 'c1=', reason: 'token', delaySeconds: 100 }])
  expect(sockets.closed).toEqual([])
})

it('believes the row, not the message: a refreshed token keeps its socket', async () => {
  await open()
  const later = identityOf({ expiresAt: identityOf().expiresAt + 60 })
  await connections.renew('c1=', later, clock.ms)
  clock.ms += 3_600_000
  await handle('token')
  expect(sockets.closed).toEqual([])
  expect(expiryQueue.sent).toMatchObject([{ delaySeconds: 60 }])
})

it('leaves a client alone that has spoken since it was called silent', async () => {
  await open()
  clock.ms += 80_000
  await connections.admit('c1=', clock.ms)
  await handle('silent')
  expect(sockets.closed).toEqual([])
})

it('MESSAGE-21: a socket without a row is told 4410 and closed; one that has a row after all is kept', async () => {
  expect(await handle('unknown')).toEqual([])
  expect(sockets.posted).toMatchObject([{ message: { type: 'goaway', code: 4410 } }])
  expect(sockets.closed).toEqual(['c1='])
  await open({ connectionId: 'c2=' })
  await handle('unknown', 'c2=')
  expect(sockets.closed).toEqual(['c1='])
})

it.each([
  ['silent', 4410],
  ['abuse', 1008],
  ['revoked', 4403],
] as const)('closes for %s with %i', async (reason, code) => {
  await open()
  clock.ms += 80_000
  await handle(reason)
  expect(sockets.posted).toMatchObject([{ message: { code } }])
  expect(sockets.closed).toEqual(['c1='])
})

it('reports only the message whose socket could not be closed, and closes it the next time', async () => {
  await open()
  clock.ms += 3_600_000
  sockets.answer = 'failed'
  expect(await handle('token')).toEqual(['m1'])
  sockets.answer = 'ok'
  expect(await handle('token')).toEqual([])
  expect(sockets.closed).toEqual(['c1='])
})

it('drops what is no expiry message: trying again would not help', async () => {
  const ports = { connections, subscriptions, sockets, expiryQueue, clock, log: silent }
  const bodies = [
    '',
    'x',
    '[]',
    '{}',
    '{"connectionId":7,"reason":"token"}',
    '{"connectionId":"c"}',
  ]
  const messages = bodies.map((body, i) => ({ messageId: String(i), body }))
  expect(await handleExpiryMessages(messages, ports)).toEqual([])
})
