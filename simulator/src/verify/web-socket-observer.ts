import {
  limits,
  type Block,
  type Position,
  type ServerMessage,
  type TelemetryPayload,
} from '@gaugeline/backend/protocol'
import { createHistogram } from 'node:perf_hooks'
import type { SecureContext } from 'node:tls'
import { UsageError } from '../errors.ts'
import type { Figures } from '../metrics/figures.ts'
import { sleep } from '../sleep.ts'
import type { Observer } from '../run/run-scenario.ts'
import { ApiSocket } from './api-socket.ts'
import { Ledger } from './ledger.ts'

const reconnectMs = 1_000
/** What is acknowledged at the end may still be under way to the subscriber: waited for until nothing has come for so long … */
const quietMs = 10_000
/** … and never longer than this. */
const underWayMs = 120_000
/** A subscriber that is without a connection at the end is waited for so long before readings count as not verified. */
const reconnectWithinMs = 10_000
/** Look-ups in the history stay below the connection's limit of messages. */
const lookUpGapMs = 1_500 / limits.messagesPerSecond

export interface WebSocketObserverOptions {
  readonly url: string
  readonly token: string
  readonly secureContext?: SecureContext | undefined
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
  #retry: NodeJS.Timeout | undefined
  #isOver = false
  #isSettled = false
  #lastSeenMs = 0
  /** One wait for all topics. */
  #waitedUntilMs: number | undefined

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
      this.#isOver = true
      clearInterval(this.#ping)
      const reason = error instanceof Error ? error.message : String(error)
      throw new UsageError(
        `verify cannot watch ${this.#options.url}: ${reason}; check the address and that the token sees these devices`,
      )
    }
  }

  /** The run ends before it has begun. */
  abandon(): void {
    this.#isOver = true
    clearInterval(this.#ping)
    this.#socket?.close()
  }

  acked(
    { site, id }: { readonly site: string; readonly id: string },
    reading: TelemetryPayload,
  ): void {
    const { boot = '', n = 0 } = reading
    this.#ledger.acked({ topic: `${site}/${id}`, boot, n }, this.#socket !== undefined)
  }

  /** What is missing, and the share that was pushed, only after {@link settle}: before, much of it is under way. */
  figures(seconds: number): Figures {
    const { watched, pushed, missing, unverified, recovered, duplicate } = this.#ledger.counts()
    const count = (value: number) => ({ kind: 'count', count: value, seconds }) as const
    return {
      'e2e.latency': { kind: 'latency', latencies: this.#latency },
      'e2e.duplicate': count(duplicate),
      ...(this.#isSettled && {
        'e2e.pushed': { kind: 'share', hits: pushed, of: watched },
        'e2e.missing': count(missing),
        'e2e.unverified': count(unverified),
        'e2e.recovered': count(recovered),
      }),
    }
  }

  async settle(hurry?: AbortSignal): Promise<void> {
    const endMs = Date.now()
    const isUnderWay = (nowMs: number): boolean =>
      hurry?.aborted !== true &&
      nowMs - Math.max(endMs, this.#lastSeenMs) < quietMs &&
      nowMs - endMs < underWayMs
    while (this.#ledger.unseen().length > 0 && isUnderWay(Date.now())) await sleep(100, { hurry })
    for (const topic of this.#ledger.unseen()) {
      if (hurry?.aborted === true || !(await this.#lookUp(topic, hurry)))
        this.#ledger.unverified(topic)
    }
    this.#isSettled = true
    this.#isOver = true
    clearInterval(this.#ping)
    clearTimeout(this.#retry)
    this.#socket?.close()
  }

  async #open(): Promise<void> {
    const { url, token, topics, secureContext } = this.#options
    const socket = await ApiSocket.open({
      url,
      token,
      secureContext,
      pushed: (message) => {
        this.#take(message)
      },
      closed: () => {
        this.#reopen('the socket closed')
      },
    })
    for (let from = 0; from < topics.length; from += limits.subscriptionsPerMessage) {
      await this.#subscribe(socket, from)
    }
    this.#socket = socket
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
    if (this.#isOver || this.#retry !== undefined) return
    this.#options.log('verify.disconnected', { reason })
    this.#socket = undefined
    this.#ledger.unwatched()
    this.#retry = setTimeout(() => {
      this.#retry = undefined
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

  /** Whether the history could be read to its end. */
  async #lookUp(topic: string, hurry?: AbortSignal): Promise<boolean> {
    let cursor: string | null = null
    do {
      await sleep(lookUpGapMs, { hurry })
      const socket = await this.#connected(hurry)
      const page: ServerMessage | undefined = await socket?.request({
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
        return false
      }
      const nowMs = Date.now()
      for (const block of page.blocks ?? []) {
        // What was not pushed is at least as late as it is now.
        this.#ledger.found(block, (ts) => {
          this.#latency.record(Math.max(1, nowMs - ts))
        })
      }
      cursor = page.cursor
    } while (cursor !== null)
    return true
  }

  async #connected(hurry?: AbortSignal): Promise<ApiSocket | undefined> {
    const untilMs = (this.#waitedUntilMs ??= Date.now() + reconnectWithinMs)
    while (!this.#socket && hurry?.aborted !== true && Date.now() < untilMs)
      await sleep(100, { hurry })
    return this.#socket
  }
}
