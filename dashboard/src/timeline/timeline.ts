import type { DeviceFeed, Gap } from '../stream/device-feed.ts'
import { entriesOf, type Entry } from './entries.ts'
import { type Figures, figuresOf } from './figures.ts'
import { holesIn, isIn, type ShownHole } from './holes.ts'
import { type Line, lineOf } from './line.ts'
import { Past, type Question, type Range, type Span } from './past.ts'
import { questionFor, type Wish } from './questions.ts'

/** After so long nothing about a stretch changes by itself. */
const SETTLED_S = 15

/** A part of the window that is not known yet. */
export type Unknown = Extract<Span, { kind: 'unknown' }>

/** What a chart draws of one metric. */
export interface View extends Line {
  readonly holes: readonly ShownHole[]
  readonly unknown: readonly Unknown[]
  /** Stretches that were missing and have come. */
  readonly repaired: readonly Gap[]
}

export interface ViewRange extends Range {
  /** Width of the plot: at most two points per pixel are given. */
  readonly pixels: number
  /** Epoch ms: the end of what can be known. */
  readonly nowMs: number
}

/**
 * All that is known of one device over time: the readings that were pushed, what the history answered about the time before, as readings or
 * as buckets, what is not known yet, and every hole, per metric. Chart, figures, table and file are all taken from here, so that none can
 * say what another does not. No Vue, no connection: somebody else asks the questions ({@link Timeline.question}).
 */
export class Timeline {
  readonly feed: DeviceFeed
  readonly past = new Past()
  #spans: { readonly key: readonly unknown[]; readonly spans: readonly Span[] } | undefined

  constructor(feed: DeviceFeed) {
    this.feed = feed
  }

  get topic(): string {
    return this.feed.topic
  }

  /** Every metric that any answer or push has named. */
  get metrics(): readonly string[] {
    const names = new Set(this.feed.series.metrics)
    for (const span of this.#spans?.spans ?? []) {
      if (span.kind === 'readings') for (const name of span.series.metrics) names.add(name)
      if (span.kind === 'buckets')
        for (const name of Object.keys(span.buckets.metrics)) names.add(name)
    }
    return [...names]
  }

  /** All that a view of a range follows from; equal lists, equal views. Readings never change, so that their number tells of new ones. */
  signature({ fromMs, toMs }: Range, nowMs: number): readonly unknown[] {
    const { series, gaps, isLoading, knownFromMs } = this.feed
    const count = Math.min(series.length, series.rowAt(toMs) + 1) - series.rowAt(fromMs)
    // What is missing just before now may still come.
    const ageS = Math.min(SETTLED_S, Math.floor((nowMs - toMs) / 1_000))
    const { past } = this
    return [count, gaps, isLoading, knownFromMs, past.revision, past.isPaused(nowMs), ageS]
  }

  /** Epoch ms of the oldest reading or bucket held; Infinity without any. */
  get oldestMs(): number {
    return Math.min(
      this.feed.series.firstTs ?? Infinity,
      ...(this.#spans?.spans ?? []).map((span) => {
        if (span.kind === 'readings') return span.series.firstTs ?? Infinity
        return span.kind === 'buckets' ? (span.buckets.ts[0] ?? Infinity) : Infinity
      }),
    )
  }

  /** True while a part of the range is not known. */
  isUnknown(range: Range, nowMs: number): boolean {
    return this.#spansAt(nowMs).some((span) => span.kind === 'unknown' && isIn(span, range))
  }

  view(metric: string, range: ViewRange): View {
    const spans = this.#spansAt(range.nowMs)
    const holes = this.holes(metric, range)
    const unknown = spans.filter(isUnknown).filter((span) => isIn(span, range))
    // Of buckets a point is drawn that lies outside of the window: what is missing between it and the window breaks the line too.
    const outsideMs = 2 * Math.max(0, ...spans.map((span) => bucketMsOf(span, range)))
    const wide = {
      fromMs: range.fromMs - outsideMs,
      toMs: range.toMs + outsideMs,
      nowMs: range.nowMs,
    }
    const around = outsideMs === 0 ? holes : this.holes(metric, wide)
    const breaks = [...around, ...spans.filter(isUnknown)].sort((a, b) => a.fromMs - b.fromMs)
    const repaired = this.feed.gaps.filter((gap) => gap.state === 'repaired' && isIn(gap, range))
    return { ...lineOf(metric, range, { spans, breaks }), holes, unknown, repaired }
  }

  holes(metric: string, range: Range & { readonly nowMs: number }): readonly ShownHole[] {
    const { feed } = this
    const { nowMs } = range
    return holesIn(metric, range, { feed, spans: this.#spansAt(nowMs), nowMs })
  }

  figures(metric: string, range: Range & { readonly nowMs: number }): Figures {
    const holes = this.holes(metric, range)
    return figuresOf(metric, range, { spans: this.#spansAt(range.nowMs), holes })
  }

  /** Readings, averages, holes and what is not known, in the order of time: the rows of a table or a file. */
  entries(metrics: readonly string[], range: Range & { readonly nowMs: number }): Entry[] {
    const holes = metrics.map((metric) => ({ metric, holes: this.holes(metric, range) }))
    return entriesOf(metrics, range, { spans: this.#spansAt(range.nowMs), holes })
  }

  /** What has to be asked next, so that a window is whole; undefined when it is, or while something is being asked. */
  question(range: Range, wish: Wish): Question | undefined {
    const outdated = this.feed.takeOutdated()
    if (outdated) this.past.outdate(outdated)
    const spans = this.#spansAt(wish.nowMs)
    return questionFor({ feed: this.feed, past: this.past, spans }, range, wish)
  }

  #spansAt(nowMs: number): readonly Span[] {
    const { knownFromMs, knownToMs } = this.feed
    const { past } = this
    const key = [knownFromMs, knownToMs, past.revision, nowMs, past.isPaused(nowMs)]
    const held = this.#spans
    if (held && key.every((value, i) => value === held.key[i])) return held.spans
    const spans = past.spans(this.feed, nowMs)
    this.#spans = { key, spans }
    return spans
  }
}

function isUnknown(span: Span): span is Unknown {
  return span.kind === 'unknown'
}

function bucketMsOf(span: Span, range: Range): number {
  const isNear = span.fromMs <= range.toMs && span.toMs >= range.fromMs
  return span.kind === 'buckets' && isNear ? span.buckets.bucketMs : 0
}
