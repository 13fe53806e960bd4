import type { HistoryPage } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import { firstHole, type Span } from './coverage.ts'
import type { DeviceFeed } from './device-feed.ts'
import type { NoteBook } from './note-book.ts'
import { patiently } from './patience.ts'
import type { StreamClient } from './stream-client.ts'
import { Turns } from './turns.ts'

const PAGE_READINGS = 1_000
/** Pages asked for at once: after an outage everybody has holes, and thousands of questions at a time would all come too late. */
const PAGES_AT_ONCE = 4
/** Grace for pushes that overtake each other, before a missing reading is asked for. */
export const REORDER_GRACE_MS = 500
/** The same while the server holds readings back: every block opens a hole then, and the link has enough to do. */
const SLOW_REPAIR_MS = 5_000
/** Holes that are no further apart are asked for together. */
const NEAR_MS = 30_000

export interface HoleRepairOptions {
  readonly client: StreamClient
  readonly clock: Clock
  readonly notes: NoteBook
}

/** Asks the server's history for what the feeds lack; one question at a time for each. */
export class HoleRepair {
  /** True while the server holds readings back for a slow link. */
  isSlow = false
  readonly #options: HoleRepairOptions
  readonly #pages = new Turns(PAGES_AT_ONCE)
  /** Feeds whose holes are being asked for, by a repair or by a subscribe. */
  readonly #busy = new Set<DeviceFeed>()
  readonly #due = new Set<DeviceFeed>()

  constructor(options: HoleRepairOptions) {
    this.#options = options
  }

  /** Leaves the feed alone until {@link release}: somebody else is filling it. */
  hold(feed: DeviceFeed): void {
    this.#busy.add(feed)
  }

  release(feed: DeviceFeed): void {
    this.#busy.delete(feed)
  }

  /** Asks for the first holes of a device until none is left. */
  now(feed: DeviceFeed): void {
    const hole = firstHole(feed.holes, NEAR_MS)
    if (!hole || this.#busy.has(feed)) return
    this.#busy.add(feed)
    this.fill(feed, hole).then(
      () => {
        this.#busy.delete(feed)
        if (this.isSlow) this.soon(feed)
        else this.now(feed)
      },
      // No socket, no answer: the resume or the next ping finds the hole again.
      () => this.#busy.delete(feed),
    )
  }

  /** After a grace in which the missing readings may still come by themselves. */
  soon(feed: DeviceFeed): void {
    if (this.#busy.has(feed) || this.#due.has(feed) || feed.holes.length === 0) return
    this.#due.add(feed)
    this.#options.clock.after(this.isSlow ? SLOW_REPAIR_MS : REORDER_GRACE_MS, () => {
      this.#due.delete(feed)
      this.now(feed)
    })
  }

  /** Asks for one hole, page by page. Rejects with {@link RequestFailed}. */
  async fill(feed: DeviceFeed, hole: Span): Promise<void> {
    let cursor: string | null = null
    do {
      const page = await this.#page(feed.topic, hole, cursor)
      cursor = page.cursor
      feed.repaired(hole, page, cursor === null)
      this.#options.notes.keep(page.notes ?? [])
    } while (cursor !== null)
  }

  #page(topic: string, { since, until }: Span, cursor: string | null): Promise<HistoryPage> {
    const { client, clock } = this.#options
    const from = cursor === null ? {} : { cursor }
    const limit = PAGE_READINGS
    const question = { action: 'history', topic, since, until, limit, ...from } as const
    return this.#pages.take(() => patiently(clock, () => client.request(question)))
  }
}
