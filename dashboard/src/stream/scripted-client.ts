import type { Action, ServerMessage, Subscribed, Welcome } from '@gaugeline/backend/protocol'
import { limits } from '@gaugeline/backend/protocol'
import { type ManualClock, manualClock } from './manual-clock.ts'
import {
  type Answers,
  type Connection,
  type Request,
  RequestFailed,
  type StreamClient,
  type StreamListener,
} from './stream-client.ts'
import { Telemetry } from './telemetry.ts'
import { at, block } from './test-blocks.ts'

type Asked = Record<string, unknown> & { readonly action: Action }
type Answer = Record<string, unknown> | RequestFailed | Promise<Record<string, unknown>>

/** The device of the test blocks. */
export const topic = 'plant-1/pump-1'
const welcome: Welcome = {
  type: 'welcome',
  id: 1,
  connectionId: 'c',
  user: 'ana',
  roles: ['operator'],
  devices: ['plant-1/#', 'plant-2/solo'],
  tokenExpiresAt: 2_000_000_000,
  limits,
  serverTime: 0,
}

/** A client whose server is a function: for tests. */
class ScriptedClient implements StreamClient {
  readonly asked: Asked[] = []
  readonly #listeners = new Set<StreamListener>()
  readonly #answer: (asked: Asked) => Answer | undefined
  #connection: Connection = { phase: 'idle', since: 0, attempt: 0, clockOffsetMs: 0 }

  constructor(answer: (asked: Asked) => Answer | undefined) {
    this.#answer = answer
  }
  start(): void {
    return
  }
  stop(): void {
    return
  }
  wake(): void {
    this.asked.push({ action: 'ping' })
  }
  positions: () => Readonly<Record<string, string>> = () => ({})
  reportPositions(source: () => Readonly<Record<string, string>>): void {
    this.positions = source
  }
  connection(): Connection {
    return this.#connection
  }
  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  async request<A extends Action>(
    message: Request<A> & { readonly action: A },
  ): Promise<Answers[A]> {
    const asked = message as unknown as Asked
    this.asked.push(asked)
    const answer = await (this.#answer(asked) ?? defaultAnswer(asked))
    if (answer instanceof RequestFailed) throw answer
    return answer as unknown as Answers[A]
  }
  async ready(): Promise<void> {
    this.change({ phase: 'resuming', welcome })
    await Promise.all([...this.#listeners].map(async (listener) => listener.welcome?.(welcome)))
    this.change({ phase: 'live' })
  }
  change(change: Partial<Connection>): void {
    this.#connection = { ...this.#connection, ...change }
    for (const listener of this.#listeners) listener.connection?.(this.#connection)
  }
  push(message: ServerMessage, receivedAt = 1_700_000_100_000): void {
    for (const listener of this.#listeners) listener.message?.(message, receivedAt)
  }
  askedFor(action: Action): Asked[] {
    return this.asked.filter((asked) => asked.action === action)
  }
}

function defaultAnswer(asked: Asked): Record<string, unknown> {
  if (asked.action === 'subscribe') {
    const subscriptions = asked['subscriptions'] as { sid: number }[]
    return subscribed({
      results: subscriptions.map(({ sid }) => ({ sid, ok: true, recovered: true, more: false })),
    })
  }
  if (asked.action === 'alarms') return { type: 'alarms', alarms: [], revision: 0 }
  return history([])
}

/** The answer to a subscribe, of which a test says only what matters to it. */
export function subscribed(change: Partial<Subscribed>): Record<string, unknown> {
  return { type: 'subscribed', results: [], blocks: [], states: [], notes: [], ...change }
}
/** One page of history, the last unless `change` has a cursor. */
export function history(
  blocks: unknown[],
  change: Record<string, unknown> = {},
): Record<string, unknown> {
  return { type: 'history', topic, blocks, cursor: null, complete: true, keptFromMs: 0, ...change }
}
/** True for the subscribe of a device with an open chart. */
export const isDevice = (asked: Asked): boolean =>
  asked.action === 'subscribe' &&
  (asked['subscriptions'] as { mode: string }[])[0]?.mode === 'complete'
/** The answer to the subscribe of the first device, with the readings `from`…`to`. */
export const snapshot = (to: number, from = 1): Record<string, unknown> =>
  subscribed({
    results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: at(to) }],
    blocks: [block(from, to)],
  })

/** A telemetry over a scripted client and a clock that stands still. */
export function scriptedTelemetry(answer: (asked: Asked) => Answer | undefined = () => undefined): {
  clock: ManualClock
  client: ScriptedClient
  telemetry: Telemetry
} {
  const clock = manualClock(1_700_000_100_000)
  const client = new ScriptedClient(answer)
  return { clock, client, telemetry: new Telemetry({ client, clock }) }
}
