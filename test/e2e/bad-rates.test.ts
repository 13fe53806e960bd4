import { randomUUID } from 'node:crypto'
import {
  limits,
  type ErrorMessage,
  type ServerMessage,
  type SubscriptionResult,
} from '@gaugeline/backend/protocol'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

/**
 * Every limit of one person, rows HANDSHAKE-15, MESSAGE-13 and MESSAGE-16 of the bad-input catalogue (docs/facts), through the real local gateway: what it says,
 * that one hit of it ends nothing, that nobody else notices, and that who goes on is closed. The close is announced as 1008 in a `goaway`;
 * the frame itself has the platform's code, because `DELETE @connections` takes none (docs/protocol.md, "Close codes").
 */
let system: SharedSystem
const clients: ProtocolClient[] = []
let people = 0
beforeAll(async () => {
  system = await sharedSystem()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate()
})

const newUser = (): string => `eager-${++people}`
async function open(user = newUser()): Promise<ProtocolClient> {
  const token = await requestToken(system, { user })
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  clients.push(client)
  return client
}
/** One after the other: ten logins at once would start ten authorizers, each with a key set to fetch. */
async function several(count: number, user: string): Promise<ProtocolClient[]> {
  const opened: ProtocolClient[] = []
  while (opened.length < count) opened.push(await open(user))
  return opened
}
/** It still answers, also while the messages of somebody else's flood are worked off. */
async function lives(client: ProtocolClient): Promise<void> {
  client.socket.send(JSON.stringify({ action: 'hello', id: 9_999 }))
  await client.waitFor('welcome', ({ id }) => id === 9_999, 60_000)
  expect(client.messages('goaway')).toEqual([])
}
/** The end of who went on, as his client understands it. */
async function expectEnd(client: ProtocolClient): Promise<void> {
  await waitFor(() => client.closed, 'the socket to close', 60_000)
  const told = client.messages('goaway').map(({ code, reason }) => ({ code, reason }))
  expect(told[0]).toEqual({ code: 1008, reason: 'Too many messages after a warning.' })
}

describe('sockets of a user', () => {
  it('HANDSHAKE-15: the eleventh is refused with 429, others are not; one that is closed makes room for another', async () => {
    const user = newUser()
    const ten = await several(limits.connectionsPerUser, user)
    for (let i = 0; i < 3; i++) await expect(open(user)).rejects.toThrow('429')
    await Promise.all([...ten, await open()].map(lives))
    await ten[0]?.close()
    await lives(await waitFor(() => open(user).catch(() => undefined), 'room for another'))
  })
})

/** Subscribes as many topics of the client's own, a message at a time. */
async function subscribe(
  client: ProtocolClient,
  count: number,
  from = 0,
): Promise<SubscriptionResult[]> {
  const results: SubscriptionResult[] = []
  for (let next = from; next < from + count; next += limits.subscriptionsPerMessage) {
    const length = Math.min(limits.subscriptionsPerMessage, from + count - next)
    const subscriptions = Array.from({ length }, (_, i) => ({
      sid: next + i,
      topic: `plant-1/d-${next + i}`,
    }))
    const answer = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    results.push(...answer.results)
  }
  return results
}
const taken = (results: readonly SubscriptionResult[]): number =>
  results.filter(({ ok }) => ok).length
const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0)
const refusal = {
  ok: false,
  code: 'SUBSCRIPTION_LIMIT',
  message: 'At most 200 subscriptions per connection and 1000 per user; end one first.',
  retry: 'never',
}

describe('subscriptions', () => {
  it('MESSAGE-13: the 201st of a connection is refused; who ends one has room for one', async () => {
    const client = await open()
    expect(taken(await subscribe(client, limits.subscriptionsPerConnection))).toBe(200)
    expect(await subscribe(client, 2, 200)).toMatchObject([refusal, refusal])
    await client.request({ action: 'unsubscribe', sids: [7] }, 'unsubscribed')
    expect(await subscribe(client, 2, 200)).toMatchObject([{ ok: true }, refusal])
    await lives(client)
  })

  it('a user has 1,000 at most, however many of his sockets ask at once; a closed one gives back its own', async () => {
    const user = newUser()
    const stranger = await open()
    const six = await several(6, user)
    const atOnce = await Promise.all(
      six.map((client) => subscribe(client, limits.subscriptionsPerConnection)),
    )
    expect(sum(atOnce.map(taken))).toBeLessThanOrEqual(limits.subscriptionsPerUser)
    const refused = atOnce.flat().filter(({ ok }) => !ok)
    expect(refused).toMatchObject(Array(refused.length).fill(refusal))
    // Those who asked at once may all have been refused the same last places: one after the other they get them.
    const later: number[] = []
    for (const [i, client] of six.entries()) {
      const left = limits.subscriptionsPerConnection - taken(atOnce[i] ?? [])
      later.push(taken(await subscribe(client, left, limits.subscriptionsPerConnection)))
    }
    expect(sum([...atOnce.map(taken), ...later])).toBe(limits.subscriptionsPerUser)
    const late = await open(user)
    expect(await subscribe(late, 2)).toMatchObject([refusal, refusal])
    expect(taken(await subscribe(stranger, 2))).toBe(2)
    await Promise.all([late, stranger, ...six].map(lives))
    await six[0]?.close()
    await waitFor(async () => taken(await subscribe(late, 1)) === 1, 'the room that was given back')
  })
})

describe('commands', () => {
  const command = { action: 'command', topic: 'plant-1/pump-7', name: 'reboot' } as const
  /** One after the other over the sockets in turn, so that no socket has more messages than it may. */
  async function sendCommands(
    over: readonly ProtocolClient[],
    count: number,
  ): Promise<ServerMessage[]> {
    const answers: ServerMessage[] = []
    for (let i = 0; i < count; i++) {
      const client = over[i % over.length]
      if (client) answers.push(await client.request({ ...command, key: randomUUID() }))
    }
    return answers
  }
  const isRefused = (answer: ServerMessage): answer is ErrorMessage => answer.type === 'error'

  it('the 61st of a minute is refused, with the time to wait; who goes on is closed', async () => {
    const user = newUser()
    const [stranger, bystander] = [await open(), await open(user)]
    const over = await several(3, user)
    const first = await sendCommands(over, limits.commandsPerMinute)
    expect(first.map(({ type }) => type)).toEqual(Array(first.length).fill('command'))
    const [one] = (await sendCommands(over, 1)).filter(isRefused)
    expect(one).toMatchObject({ code: 'RATE_LIMITED', retry: 'backoff' })
    expect(one?.message).toMatch(/^More than 60 commands in a minute; wait \d+ s\.$/)
    expect(one?.retryAfterMs).toBeGreaterThan(0)
    expect(one?.retryAfterMs).toBeLessThanOrEqual(60_000)
    await Promise.all(over.map(lives))
    const rest = await sendCommands(over, 49)
    expect(rest.filter(isRefused).map(({ code }) => code)).toEqual(Array(49).fill('RATE_LIMITED'))
    const ended = await waitFor(() => over.find(({ closed }) => closed), 'an end', 60_000)
    await expectEnd(ended)
    await lives(bystander)
    expect((await sendCommands([stranger], 1)).map(({ type }) => type)).toEqual(['command'])
  })
})

describe('messages', () => {
  const ping = (client: ProtocolClient, count: number): void => {
    for (let i = 0; i < count; i++) {
      client.socket.send(JSON.stringify({ action: 'ping', id: 1_000 + i, t0: 0 }))
    }
  }
  const refusals = (client: ProtocolClient): ErrorMessage[] =>
    client.messages('error').filter(({ code }) => code === 'RATE_LIMITED')

  it('MESSAGE-16: who writes too fast is told how long to wait, and is heard again after it', async () => {
    const client = await open()
    const answers = (): number => client.messages('pong').length + client.messages('error').length
    ping(client, limits.messagesBurst + 20)
    await waitFor(() => answers() === limits.messagesBurst + 20, 'the answers', 60_000)
    const told = refusals(client)
    expect(told.length).toBeGreaterThan(0)
    expect(told[0]?.retry).toBe('backoff')
    expect(told[0]?.message).toMatch(/^Too many messages on this connection; wait \d+ ms\.$/)
    const waits = told.map(({ retryAfterMs }) => retryAfterMs ?? 0)
    expect(Math.min(...waits)).toBeGreaterThan(0)
    const heardAtMs = Date.now() + Math.max(...waits)
    await waitFor(() => Date.now() > heardAtMs, 'the time that was told')
    await lives(client)
  })

  it('MESSAGE-16: who goes on is closed, and nobody else, not even his other socket', async () => {
    const user = newUser()
    const [client, other, stranger] = [await open(user), await open(user), await open()]
    ping(client, 120)
    await expectEnd(client)
    expect(refusals(client).length).toBeGreaterThan(0)
    await Promise.all([other, stranger].map(lives))
  })
})
