import { afterAll, beforeAll, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { clientExamples, type ClientExample } from '../support/protocol-examples.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

let system: RunningSystem
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

/** A page cannot know the token, the time and what an alarm has been through: those members are of the run. */
async function ofThisRun(
  example: ClientExample,
  client: ProtocolClient,
  token: string,
): Promise<ClientExample> {
  if (example.token !== undefined) return { ...example, token }
  if (example.revision === undefined) return example
  const { alarms } = await client.request({ action: 'alarms', op: 'list' }, 'alarms')
  const revision = alarms.find(({ alarm }) => alarm === example.alarm)?.revision ?? -1
  const until = example.until === undefined ? {} : { until: Date.now() + 3_600_000 }
  return { ...example, revision, ...until }
}

it('every client example of docs/protocol.md is answered over a real socket', async () => {
  const person = { user: 'ana', roles: ['admin'] }
  const token = await requestToken(system, person)
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  const renewal = await requestToken(system, person)
  const answers: Record<string, string> = {}
  for (const example of clientExamples()) {
    // Own requests of the client count from 1: the examples' ids are moved out of their way.
    const id = example.id + 1_000
    const message = { ...(await ofThisRun(example, client, renewal)), id }
    client.socket.send(JSON.stringify(message))
    const { message: answer } = await waitFor(
      () => client.received.find(({ message: got }) => 'id' in got && got.id === id),
      `the answer to ${example.action}`,
    )
    const name = example.op === undefined ? example.action : `${example.action} ${example.op}`
    answers[name] = answer.type === 'error' ? `${answer.code}: ${answer.message}` : answer.type
  }
  expect(answers).toEqual({
    hello: 'welcome',
    subscribe: 'subscribed',
    unsubscribe: 'unsubscribed',
    history: 'history',
    ping: 'pong',
    command: 'command',
    sendMessage: 'note',
    'alarms list': 'alarms',
    'alarms history': 'alarmHistory',
    'alarms ack': 'alarm',
    'alarms note': 'alarm',
    'alarms shelve': 'alarm',
    'alarms unshelve': 'alarm',
    refresh: 'refreshed',
    revoke: 'revoked',
  })
  client.socket.terminate()
})
