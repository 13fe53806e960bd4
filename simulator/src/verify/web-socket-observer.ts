import {
  limits,
  type Block,
  type Position,
  type ServerMessage,
  type TelemetryPayload,
} from '@gaugeline/backend/protocol'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { UsageError } from '../errors.ts'
import type { Figures } from '../metrics/figures.ts'
import type { Observer } from '../run/run-scenario.ts'
import { ApiSocket } from './api-socket.ts'
import { Ledger } from './ledger.ts'

const reconnectMs = 1_000
/** What is acknowledged at the end may still be under way to the subscriber: waited for until nothing has come for so long … */
const quietMs = 10_000
/** … and never longer than this. */
const underWayMs = 120_000
/** Look-ups in the history stay below the connection's limit of messages. */
const lookUpGapMs = 1_500 / limits.messagesPerSecond

export interface WebSocketObserverOptions {
  readonly url: string
  readonly token: string
  readonly topics: readonly string[]
  readonly log: (event: string, facts: Record<string, unknown>) => void
}

/** A subscriber like a dashboard in complete mode, for the devices of a sample: what it is sent is held against what was acknowledged. */
export class WebSocketObserver implements Observer {
  readonly #options: WebSocketObserverOptions
  readonly #ledger: Ledger
  readonly #latency = createHistogram()
  readonly #positions = new Map<string, Position>()
  readonly #startedMs = Date.now()
  readonly #ping: NodeJS.Timeout
  #socket: ApiSocket | undefined
  #isOver = false
  #lastSeenMs = 0

  constructor(options: WebSocketObserverOptions) {
    this.#options = options
    this.#ledger = new Ledger(options.topics)
    this.#ping = setInterval(() => {
      void this.#socket?.request({ action: 'ping', t0: Date.now() })
    }, limits.pingIntervalMs)
  }

  get acknowledged(): number {
    return this.#ledger.counts().acknowledged
  }

  /** Resolves when the sample is subscribed. Throws {@link UsageError} when the API refuses. */
  async connect(): Promise<void> {
    try {
      await this.#open()
    } catch (error) {
      clearInterval(this.#ping)
      const reason = error instanceof Error ? error.message : String(error)
      throw new UsageError(
        `verify cannot watch ${this.#options.url}: ${reason}; check the address and that the token sees these devices`,
      )
    }
  }

  acked(
    { site, id }: { readonly site: string; readonly id: string },
    reading: TelemetryPayload,
  ): void {
    const { boot = '', n = 0 } = reading
    this.#ledger.acked({ topic: `${site}/${id}`, boot, n })
  }

  figures(seconds: number): Figures {
    const { missing, recovered, duplicate } = this.#ledger.counts()
    const count = (value: number) => ({ kind: 'count', count: value, seconds }) as const
    return {
      'e2e.latency': { kind: 'latency', latencies: this.#latency },
      'e2e.missing': count(missing),
      'e2e.recovered': count(recovered),
      'e2e.duplicate': count(duplicate),
    }
  }

  async settle(): Promise<void> {
    const endMs = Date.now()
    const isUnderWay = (nowMs: number): boolean =>
      nowMs - Math.max(endMs, this.#lastSeenMs) < quietMs && nowMs - endMs < underWayMs
    while (this.#ledger.unseen().length > 0 && isUnderWay(Date.now())) await sleep(100)
    for (const topic of this.#ledger.unseen()) await this.#lookUp(topic)
    this.#isOver = true
    clearInterval(this.#ping)
    this.#socket?.close()
  }

  async #open(): Promise<void> {
    const { url, token, topics } = this.#options
    const socket = await ApiSocket.open({
      url,
      token,
      pushed: (message) => {
        this.#take(message)
      },
      closed: () => {
        this.#reopen('the socket closed')
      },
    })
    this.#socket = socket
    for (let from = 0; from < topics.length; from += limits.subscriptionsPerMessage) {
      await this.#subscribe(socket, from)
    }
  }

  /** Subscribes the next topics; those that were watched before go on where they were. */
  async #subscribe(socket: ApiSocket, from: number): Promise<void> {
    const subscriptions = this.#options.topics
      .slice(from, from + limits.subscriptionsPerMessage)
      .map((topic, index) => {
        const since = this.#positions.get(topic)
        return { sid: from + index, topic, ...(since === undefined ? {} : { since }) }
      })
    const answer = await socket.request({ action: 'subscribe', subscriptions })
    if (answer?.type !== 'subscribed') {
      throw new Error(answer?.type === 'error' ? answer.message : 'no answer to subscribe')
    }
    const refused = answer.results.find(({ ok }) => !ok)
    if (refused?.ok === false) throw new Error(refused.message)
    for (const block of answer.blocks) this.#see(block)
  }

  #reopen(reason: string): void {
    if (this.#isOver) return
    this.#options.log('verify.disconnected', { reason })
    this.#socket = undefined
    setTimeout(() => {
      this.#open().catch((error: unknown) => {
        this.#reopen(error instanceof Error ? error.message : String(error))
      })
    }, reconnectMs)
  }

  #take(message: ServerMessage): void {
    if (message.type === 'data') for (const block of message.blocks) this.#see(block)
    else if (message.type === 'goaway')
      this.#options.log('verify.goaway', { reason: message.reason })
  }

  #see(block: Block): void {
    const nowMs = Date.now()
    this.#lastSeenMs = nowMs
    this.#positions.set(block.topic, block.position)
    this.#ledger.pushed(block, (ts) => {
      if (ts >= this.#startedMs) this.#latency.record(Math.max(1, nowMs - ts))
    })
  }

  async #lookUp(topic: string): Promise<void> {
    let cursor: string | null = null
    do {
      await sleep(lookUpGapMs)
      const page: ServerMessage | undefined = await this.#socket?.request({
        action: 'history',
        topic,
        from: this.#startedMs,
        to: Date.now() + 1,
        limit: limits.historyPoints,
        cursor,
      })
      if (page?.type !== 'history') {
        const reason = page?.type === 'error' ? page.message : 'no answer'
        this.#options.log('verify.history', { topic, reason })
        return
      }
      for (const block of page.blocks ?? []) this.#ledger.found(block)
      cursor = page.cursor
    } while (cursor !== null)
  }
}
