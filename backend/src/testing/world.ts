import type { Data, ServerMessage, Subscribed } from '../protocol/index.ts'
import type { Connection, Connections } from '../core/connections/ports.ts'
import { createDeliver } from '../core/delivery/deliver-batch.ts'
import type { Audiences } from '../core/fanout/ports.ts'
import type { SubscriberCounts } from '../core/subscriber-count/ports.ts'
import type { CommandResults } from '../core/commands/ports.ts'
import type { PostOutcome } from '../core/dispatch/ports.ts'
import { answerHistory, type HistoryPorts } from '../core/history/answer-history.ts'
import type { HistoryReader, HistoryWriter } from '../core/history/ports.ts'
import type { Subscriptions } from '../core/subscriptions/ports.ts'
import { removeConnection } from '../core/subscriptions/remove-connection.ts'
import { subscribe } from '../core/subscriptions/subscribe.ts'
import { unsubscribe } from '../core/subscriptions/unsubscribe.ts'
import type { Rejects } from '../core/ingest/ports.ts'
import type { Reject, StreamItem } from '../core/telemetry/decode-record.ts'
import { memoryHistory } from './memory-history.ts'
import { memorySubscriptions } from './memory-subscriptions.ts'
import { connection } from './records.ts'
import { testClock, type TestClock } from './test-clock.ts'

export { testClock } from './test-clock.ts'

/** What a world stands on; by default the fakes. */
export interface WorldParts {
  readonly history: HistoryReader & HistoryWriter
  readonly subscriptions: Subscriptions
  readonly audiences: Audiences
  /** What a connection is while it subscribes; by default what it was when the message came. */
  readonly connections: Pick<Connections, 'find'>
  /** By default they are collected. */
  readonly rejects: Rejects
  /** By default devices are not told who watches. */
  readonly subscriberCounts: SubscriberCounts
}

/** The delivery path with recorded posts: what `deliver` and the `subscriptions` route do, without a wire. */
export function createWorld(
  clock: TestClock = testClock(),
  parts: Partial<WorldParts> = {},
  results: CommandResults = { apply: () => Promise.resolve(undefined) },
) {
  const memory = memorySubscriptions(clock)
  const { history = memoryHistory({ clock }), subscriptions = memory, audiences = memory } = parts
  const posts: { connectionId: string; message: ServerMessage }[] = []
  const outcomes = new Map<string, PostOutcome>()
  const hanging = new Set<string>()
  const tried: string[] = []
  const removed: string[] = []
  const rejects: Reject[] = []
  const counts = new Map<string, number>()
  const errors: string[] = []
  const warnings: string[] = []
  let whilePosting = (): void => undefined
  const deliver = createDeliver({
    history,
    audiences,
    rejects: parts.rejects ?? { write: (all) => Promise.resolve(void rejects.push(...all)) },
    posts: {
      post(connectionId, message, signal) {
        tried.push(connectionId)
        whilePosting()
        if (hanging.has(connectionId)) return whenAborted(signal)
        const outcome = outcomes.get(connectionId) ?? 'ok'
        if (outcome === 'ok') {
          posts.push({ connectionId, message: JSON.parse(message) as ServerMessage })
        }
        return Promise.resolve(outcome)
      },
    },
    results,
    subscriberCounts: parts.subscriberCounts,
    async removeConnection(connectionId) {
      removed.push(connectionId)
      await removeConnection(connectionId, subscriptions)
    },
    clock,
    metrics: {
      count: (name, value = 1) => void counts.set(name, (counts.get(name) ?? 0) + value),
      durations: (name, observations) =>
        void counts.set(
          name,
          [...observations.values()].reduce((sum, count) => sum + count, 0),
        ),
    },
    log: {
      info: () => undefined,
      warn: (message) => void warnings.push(message),
      error: (message) => void errors.push(message),
    },
  })
  const ports = {
    subscriptions,
    history,
    notes: { between: () => Promise.resolve([]) },
    clock,
  } satisfies HistoryPorts & { subscriptions: Subscriptions }
  let messageId = 0
  return {
    posts,
    outcomes,
    /** Connections whose posts are never answered. */
    hanging,
    /** The connection of every post, accepted or not. */
    tried,
    removed,
    rejects,
    counts,
    errors,
    warnings,
    /** Has something happen while each post is under way. */
    whilePosting: (happens: () => void) => void (whilePosting = happens),
    memory,
    ...ports,
    deliver: (...items: StreamItem[]) =>
      deliver({ items, deadlineMs: clock.now() + 10_000, ageMs: 0 }),
    deliverAt: (ageMs: number, ...items: StreamItem[]) =>
      deliver({ items, deadlineMs: clock.now() + 10_000, ageMs }),
    deliverUntil: (deadlineMs: number, ...items: StreamItem[]) =>
      deliver({ items, deadlineMs, ageMs: 0 }),
    subscribe: (items: unknown[], who: Connection = connection(), id = ++messageId) =>
      subscribe({ action: 'subscribe', id, subscriptions: items }, who, {
        ...ports,
        connections: parts.connections ?? { find: () => Promise.resolve(who) },
      }),
    unsubscribe: (sids: number[], who: Connection = connection(), id = ++messageId) =>
      unsubscribe({ action: 'unsubscribe', id, sids }, who, subscriptions),
    ask: (query: Partial<Parameters<typeof answerHistory>[0]>, who: Connection = connection()) =>
      answerHistory({ action: 'history', id: 1, topic: 'plant-1/pump-7', ...query }, who, ports),
    /** The values of a metric that a connection was pushed, in order. */
    pushed(connectionId: string, metric = 'a'): (number | null)[] {
      return posts
        .filter((post) => post.connectionId === connectionId && post.message.type === 'data')
        .flatMap((post) => (post.message as Data).blocks)
        .flatMap((block) => [...(block.metrics[metric] ?? [])])
    },
  }
}

function whenAborted(signal: AbortSignal): Promise<PostOutcome> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve('slow')
    })
  })
}

/** The values of a metric in an answer's blocks, in order. */
export function valuesIn(answer: Pick<Subscribed, 'blocks'>, metric = 'a'): (number | null)[] {
  return answer.blocks.flatMap((block) => [...(block.metrics[metric] ?? [])])
}
