import {
  arrivalOf,
  comparePositions,
  type Block,
  type Position,
  type Subscription,
  type SubscriptionResult,
} from '../protocol/index.ts'
import type { Connection } from '../core/connections/ports.ts'
import { connection, START_MS } from './records.ts'
import type { ScenarioDevice } from './scenario-device.ts'
import type { createWorld } from './world.ts'

/** What a reader asks to see. */
export type ScenarioView = Partial<
  Pick<Subscription, 'mode' | 'metrics' | 'where' | 'maxHz' | 'deadband'>
>

type Accepted = Extract<SubscriptionResult, { ok: true }>

const TOPIC = 'plant-1/pump-7'

/**
 * A reader as the protocol asks for it: it keeps what it gets and knows up to where it has everything that its view shows. Whenever that
 * place moves, what lies on the way must be held or have been announced as lost; nothing else may be held, and nothing twice in an answer.
 * Throws at the first thing that is not so.
 */
export class ScenarioReader {
  readonly held = new Set<number>()
  me: Connection
  readonly #world: ReturnType<typeof createWorld>
  readonly #device: ScenarioDevice
  /** Up to here everything is held; null: nothing was promised yet. */
  #complete: Position | null = null
  /** The last reading up to which everything has been checked. */
  checked = 0
  #view: ScenarioView = {}
  #lost: { readonly fromMs: number; readonly toMs: number }[] = []
  #serial = 0
  #read = 0

  constructor(world: ReturnType<typeof createWorld>, device: ScenarioDevice) {
    this.#world = world
    this.#device = device
    this.me = this.#newConnection()
  }

  /** Another socket, the same view. */
  async reconnect(): Promise<void> {
    this.me = this.#newConnection()
    await this.resume(this.#view)
  }

  /** Subscribes from where everything is held, with this view from now on. */
  async resume(view: ScenarioView): Promise<void> {
    this.#view = view
    const since = this.#complete
    const answer = await this.#world.subscribe(
      [{ sid: 1, topic: TOPIC, ...view, ...(since === null ? {} : { since }), window: WINDOW }],
      this.me,
      ++this.#serial,
    )
    const [result] = answer.results
    if (!result?.ok || result.more) throw new Error(`not subscribed: ${JSON.stringify(result)}`)
    if (view.mode === 'latest') this.#checkLatest(result, since)
    else this.#resumed(result, answer.blocks, since)
  }

  /** Takes what was pushed, and asks for what that shows to be missing. */
  async listen(): Promise<void> {
    const fresh = this.#world.posts.slice(this.#read)
    this.#read = this.#world.posts.length
    for (const { connectionId, message } of fresh) {
      if (connectionId !== this.me.connectionId || message.type !== 'data') continue
      for (const block of message.blocks) if (this.#push(block)) await this.#repair(block.position)
    }
  }

  /** Learns the device's head, as from a pong, and asks for what lies before it. */
  async ping(): Promise<void> {
    const head = (await this.#world.history.heads([TOPIC])).get(TOPIC)?.position
    if (head != null && this.#view.mode !== 'latest') await this.#repair(head)
  }

  #newConnection(): Connection {
    const expiresAt = START_MS / 1_000 + 365 * 86_400
    return connection({ connectionId: `c${++this.#serial}`, expiresAt })
  }

  /** True when the block does not follow what is held. */
  #push(block: Block): boolean {
    if (this.#view.mode === 'latest') return false
    this.#keep(block)
    // Holes on purpose: only an answer tells what is whole.
    if (block.thinned || this.#isHeld(block.position)) return false
    if (block.prev === null ? this.#complete !== null : !this.#isHeld(block.prev)) return true
    this.#advance(block.position)
    return false
  }

  /** As the dashboard does it: on the same socket, everything up to the place that showed the hole. */
  async #repair(until: Position): Promise<void> {
    const since = this.#complete
    if (since === null) return this.resume(this.#view)
    if (this.#isHeld(until)) return
    const { metrics, where } = this.#view
    const query = { since, until, ...(metrics && { metrics }), ...(where && { where }) }
    let cursor: string | null | undefined
    while (cursor !== null) {
      const page = await this.#world.ask(
        cursor === undefined ? query : { ...query, cursor },
        this.me,
      )
      for (const block of page.blocks ?? []) this.#keep(block)
      if (!page.complete) this.#announce({ fromMs: arrivalOf(since), toMs: page.keptFromMs })
      cursor = page.cursor
    }
    this.#advance(until)
  }

  #resumed(result: Accepted, blocks: readonly Block[], since: Position | null): void {
    const rows = blocks.flatMap((block) => this.#keep(block))
    if (result.recovered === (result.lost !== undefined)) {
      throw new Error(`says two things: ${JSON.stringify(result)}`)
    }
    if (result.lost) this.#announce(result.lost)
    else if (since === null) this.#lost.push({ fromMs: 0, toMs: this.#world.history.keptFromMs() })
    else if (rows.join() !== this.#matchingAfter(since).join()) {
      throw new Error(`the answer has the readings ${rows.join()}`)
    }
    if (result.head) this.#advance(result.head)
  }

  #checkLatest({ recovered, lost, head }: Accepted, since: Position | null): void {
    const isAtHead = since === null || (head != null && comparePositions(since, head) === 0)
    const isSaid = lost?.reason === 'latest' && lost.toMs === arrivalOf(head ?? '')
    if (recovered !== isAtHead || (!recovered && !isSaid)) {
      throw new Error(`"latest" claims ${JSON.stringify({ recovered, lost, since, head })}`)
    }
  }

  /** Which readings the rows are. */
  #keep({ metrics, ts }: Block): readonly number[] {
    return ts.map((_, row) => {
      const n = metrics['a']?.[row] ?? metrics['b']?.[row]
      if (n == null || !this.#isWanted(n)) throw new Error(`a row that the view hides: ${n}`)
      this.held.add(n)
      return n
    })
  }

  /** Only what is really gone may be given up. */
  #announce(lost: { readonly fromMs: number; readonly toMs: number }): void {
    this.#lost.push(lost)
    const { count } = this.#device
    const isTrue = Array.from({ length: count }, (_, i) => i + 1).some((n) => this.#isLost(n))
    if (!isTrue) throw new Error(`nothing of it is lost: ${JSON.stringify(lost)}`)
  }

  /** Moves the place up to which everything is held, and checks that it is. */
  #advance(to: Position): void {
    if (this.#isHeld(to)) return
    this.#complete = to
    const { count } = this.#device
    for (let n = this.checked + 1; n <= count && this.#isHeld(this.#device.positionOf(n)); n++) {
      this.checked = n
      if (!this.#isWanted(n) || this.held.has(n)) continue
      if (!this.#isLost(n)) throw new Error(`reading ${n} is silently missing`)
    }
  }

  #isLost(n: number): boolean {
    const arrivalMs = this.#device.arrivalOf(n)
    const isExpired = arrivalMs <= this.#world.history.keptFromMs()
    return (
      isExpired && this.#lost.some((lost) => lost.fromMs <= arrivalMs && arrivalMs <= lost.toMs)
    )
  }

  #isWanted(n: number): boolean {
    const isOnlyB = this.#view.metrics !== undefined || this.#view.where !== undefined
    return !isOnlyB || this.#device.hasB(n)
  }

  #isHeld(position: Position): boolean {
    return this.#complete !== null && comparePositions(position, this.#complete) <= 0
  }

  #matchingAfter(since: Position): readonly number[] {
    const all = Array.from({ length: this.#device.count }, (_, i) => i + 1)
    const isAfter = (n: number) => comparePositions(this.#device.positionOf(n), since) > 0
    return all.filter((n) => this.#isWanted(n) && isAfter(n))
  }
}

const WINDOW = { lastMs: 24 * 3_600_000 }
