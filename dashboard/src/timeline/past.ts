import type { Buckets, HistoryPage } from '@gaugeline/backend/protocol'
import type { DeviceFeed } from '../stream/device-feed.ts'
import { DeviceSeries } from '../stream/device-series.ts'

/** A part of the time axis, epoch milliseconds, without its end. */
export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** What is known of a part of the time axis. The spans of a timeline touch each other, in order. */
export type Span = Range &
  (
    | { readonly kind: 'readings'; readonly series: DeviceSeries }
    | { readonly kind: 'buckets'; readonly buckets: Buckets }
    /** Older than what the server keeps. */
    | { readonly kind: 'expired' }
    /** Not known yet: being asked for, or asked in vain and to be asked again. */
    | { readonly kind: 'unknown'; readonly why: 'loading' | 'failed' }
  )

/** What to ask the server's history for: single readings, or buckets of so many milliseconds. */
export interface Question extends Range {
  readonly bucketMs: number | undefined
}

/** An answer, or as much of it as has come. */
interface Stretch extends Range {
  toMs: number
  readonly bucketMs: number | undefined
  readonly series: DeviceSeries | undefined
  readonly pages: { readonly range: Range; readonly buckets: Buckets }[]
  /** Epoch ms: what is older is kept no longer. */
  expiredToMs: number
  /** A reading of its time has come since. */
  isStale: boolean
}

const MAX_STRETCHES = 24
/** More than a screen shows: then buckets are asked for. */
const MAX_READINGS = 60_000

/** What the history has answered about the time before the live readings, and what is being asked. Knows no connection. */
export class Past {
  /** Grows with every change. */
  revision = 0
  #stretches: Stretch[] = []
  #loading: Stretch | undefined
  #failed: (Range & { readonly untilMs: number }) | undefined
  /** Where single readings are too many to be held. */
  #dense: Range[] = []

  get isLoading(): boolean {
    return this.#loading !== undefined
  }

  /** The question is being asked; its pages follow. */
  begin(question: Question): void {
    const { fromMs, toMs, bucketMs } = question
    const series = bucketMs === undefined ? new DeviceSeries() : undefined
    const empty = { pages: [], expiredToMs: -Infinity, isStale: false }
    this.#loading = { fromMs, toMs, bucketMs, series, ...empty }
    this.revision++
  }

  /** A page of the answer. False when no more are wanted: there are too many readings. */
  keep(page: HistoryPage): boolean {
    const stretch = this.#loading
    if (!stretch) return false
    for (const block of page.blocks ?? []) stretch.series?.add(block, false)
    const { buckets } = page
    if (buckets) {
      const fromMs = stretch.pages.at(-1)?.range.toMs ?? stretch.fromMs
      const endMs = (buckets.ts.at(-1) ?? fromMs) + buckets.bucketMs
      const toMs = page.cursor === null ? stretch.toMs : Math.min(stretch.toMs, endMs)
      stretch.pages.push({ range: { fromMs, toMs: Math.max(fromMs, toMs) }, buckets })
    }
    if (!page.complete) stretch.expiredToMs = Math.min(page.keptFromMs, stretch.toMs)
    this.revision++
    if ((stretch.series?.length ?? 0) <= MAX_READINGS) return true
    this.#dense = [...this.#dense, stretch].slice(-MAX_STRETCHES)
    this.#loading = undefined
    return false
  }

  /** All pages have come. */
  done(): void {
    if (!this.#loading) return
    const { fromMs, toMs } = this.#loading
    // What it replaces: as fine or coarser, and inside of it.
    const isReplaced = (old: Stretch): boolean =>
      old.fromMs >= fromMs &&
      old.toMs <= toMs &&
      (old.isStale || rank(old) >= rank(this.#loading ?? old))
    this.#stretches = [...this.#stretches.filter((old) => !isReplaced(old)), this.#loading]
    this.#stretches = this.#stretches.slice(-MAX_STRETCHES)
    this.#loading = undefined
    this.#failed = undefined
    this.revision++
  }

  /** No answer; nothing is asked again before `untilMs`. */
  fail(untilMs: number): void {
    if (this.#loading) this.#failed = { ...rangeOf(this.#loading), untilMs }
    this.#loading = undefined
    this.revision++
  }

  isPaused(nowMs: number): boolean {
    return this.#failed !== undefined && nowMs < this.#failed.untilMs
  }

  /** Readings between these times have come after the history was asked. */
  outdate({ fromMs, toMs }: Range): void {
    for (const stretch of this.#stretches) {
      if (stretch.fromMs <= toMs && stretch.toMs > fromMs) stretch.isStale = true
    }
  }

  isOutdated({ fromMs, toMs }: Range): boolean {
    return this.#stretches.some(
      (stretch) => stretch.isStale && stretch.fromMs < toMs && stretch.toMs > fromMs,
    )
  }

  isDense({ fromMs, toMs }: Range): boolean {
    return this.#dense.some((range) => range.fromMs < toMs && range.toMs > fromMs)
  }

  /** What is known from the beginning of time up to now; of the same part the finest. */
  spans(feed: DeviceFeed, nowMs: number): readonly Span[] {
    return spansOf([...this.#sources(feed, nowMs)].sort((a, b) => a.rank - b.rank))
  }

  *#sources(feed: DeviceFeed, nowMs: number): Generator<Source> {
    const why = this.isPaused(nowMs) ? 'failed' : 'loading'
    yield { rank: Infinity, span: { fromMs: -Infinity, toMs: nowMs, kind: 'unknown', why } }
    const live = liveRange(feed)
    if (live) yield { rank: 0, span: { ...live, kind: 'readings', series: feed.series } }
    for (const stretch of this.#stretches) yield* sourcesOf(stretch)
    // Buckets come in the order of time: those that are there are shown.
    if (this.#loading?.bucketMs !== undefined) {
      const { pages } = this.#loading
      const toMs = pages.at(-1)?.range.toMs ?? this.#loading.fromMs
      yield* sourcesOf({ ...this.#loading, toMs })
    }
  }
}

interface Source {
  readonly rank: number
  readonly span: Span
}

function* sourcesOf(stretch: Stretch): Generator<Source> {
  const { fromMs, toMs, series, pages, expiredToMs } = stretch
  const own = rank(stretch)
  if (expiredToMs > fromMs) {
    yield { rank: 0.5, span: { fromMs, toMs: Math.min(expiredToMs, toMs), kind: 'expired' } }
  }
  if (series) yield { rank: own, span: { fromMs, toMs, kind: 'readings', series } }
  for (const { range, buckets } of pages) {
    yield { rank: own, span: { ...range, kind: 'buckets', buckets } }
  }
}

/** Finer first; what is outdated only where nothing else is. */
function rank({ bucketMs, isStale }: Stretch): number {
  return (bucketMs ?? 1) + (isStale ? 1e9 : 0)
}

function rangeOf({ fromMs, toMs }: Range): Range {
  return { fromMs, toMs }
}

/** Where every reading is held because it was pushed, or came with the subscribe. */
function liveRange(feed: DeviceFeed): Range | undefined {
  const { knownFromMs: fromMs, knownToMs: toMs } = feed
  return fromMs < toMs ? { fromMs, toMs } : undefined
}

/** The best source for each part, parts of one source in one span. `sources` by rank. */
function spansOf(sources: readonly Source[]): readonly Span[] {
  const edges = [...new Set(sources.flatMap(({ span }) => [span.fromMs, span.toMs]))]
  edges.sort((a, b) => a - b)
  const spans: { from: Source; fromMs: number; toMs: number }[] = []
  for (let i = 1; i < edges.length; i++) {
    const [fromMs, toMs] = [edges[i - 1] ?? 0, edges[i] ?? 0]
    const from = sources.find(({ span }) => span.fromMs <= fromMs && span.toMs >= toMs)
    const last = spans.at(-1)
    if (!from) continue
    if (last?.from === from && last.toMs === fromMs) last.toMs = toMs
    else spans.push({ from, fromMs, toMs })
  }
  return spans.map(({ from, fromMs, toMs }) => ({ ...from.span, fromMs, toMs }))
}
