import { countedBetween } from '@gaugeline/backend/protocol'
import type { DeviceSeries } from '../stream/device-series.ts'
import type { Range, Span } from './past.ts'

/** Readings of one metric in the order of their places, as columns of one length. NaN in `values` = not carried. */
export interface MetricRows {
  readonly ts: Float64Array
  readonly values: Float64Array
  /** Readings counted between a row and the one before it, and not held; NaN = nobody can know. */
  readonly missing: Float64Array
  /** 1 = came after a newer one. */
  readonly late: Uint8Array
}

interface Part {
  readonly series: DeviceSeries
  readonly from: number
  readonly to: number
  /** How many rows the parts before it have. */
  readonly before: number
}

/** Readings that tell what is usual around those that are shown: as many as the rule of holes looks at, and one more. */
const CONTEXT = 41

/** All readings of a stretch of time that is known without interruption, whatever answers they came with. */
export class Run implements Range {
  readonly fromMs: number
  readonly toMs: number
  readonly length: number
  readonly #parts: readonly Part[]

  constructor(spans: readonly Extract<Span, { kind: 'readings' }>[]) {
    this.fromMs = spans[0]?.fromMs ?? 0
    this.toMs = spans.at(-1)?.toMs ?? 0
    const parts: Part[] = []
    let before = 0
    for (const { series, fromMs, toMs } of spans) {
      const [from, to] = [series.rowAt(fromMs), series.rowAt(toMs)]
      parts.push({ series, from, to, before })
      before += Math.max(0, to - from)
    }
    this.#parts = parts
    this.length = before
  }

  /** The first row at or after a time. */
  rowAt(ms: number): number {
    for (const { series, from, to, before } of this.#parts) {
      const row = series.rowAt(ms)
      if (row < to) return before + Math.max(0, row - from)
    }
    return this.length
  }

  /**
   * The rows that carry a metric in a range and around it, and those between them; so that the last one before the range is among them. Not
   * more: where the first row is not the run's, earlier ones exist.
   */
  around(
    metric: string,
    range: Range,
  ): MetricRows & { readonly from: number; readonly to: number } {
    const from = this.#stepOut(metric, this.rowAt(range.fromMs) - 1, -1)
    const to = this.#stepOut(metric, this.rowAt(range.toMs), 1) + 1
    return {
      ...this.read(metric, Math.max(0, from), Math.min(this.length, to)),
      from: Math.max(0, from),
      to: Math.min(this.length, to),
    }
  }

  #stepOut(metric: string, row: number, step: 1 | -1): number {
    let carried = 0
    let at = row
    while (at >= 0 && at < this.length) {
      const { series, row: own } = this.#place(at)
      if (!Number.isNaN(series.valueAt(own, metric)) && ++carried >= CONTEXT) break
      at += step
    }
    return at
  }

  /** Rows [from, to) of a metric. */
  read(metric: string, from: number, to: number): MetricRows {
    const length = Math.max(0, to - from)
    const rows = {
      ts: new Float64Array(length),
      values: new Float64Array(length).fill(Number.NaN),
      missing: new Float64Array(length).fill(Number.NaN),
      late: new Uint8Array(length),
    }
    for (const part of this.#parts) {
      const first = Math.max(from, part.before)
      const last = Math.min(to, part.before + part.to - part.from)
      if (first < last) this.#copy(metric, part, { first, last, into: rows, at: first - from })
    }
    return rows
  }

  #copy(
    metric: string,
    { series, from, before }: Part,
    { first, last, into, at }: { first: number; last: number; into: MetricRows; at: number },
  ): void {
    const own = from + first - before
    const { ts, values, length } = series.view(metric)
    const count = last - first
    if (length > 0) into.values.set(values.subarray(own, own + count), at)
    into.ts.set((length > 0 ? ts : series.times).subarray(own, own + count), at)
    for (let i = 0; i < count; i++) {
      if (series.isLate(own + i)) into.late[at + i] = 1
      const isFirst = i === 0 && first === before
      const missing = isFirst ? this.#missingAtStart(first) : series.missingBefore(own + i)
      if (missing !== undefined) into.missing[at + i] = missing
    }
  }

  /** Between the last row of a part and the first of the next. */
  #missingAtStart(row: number): number | undefined {
    if (row === 0) return undefined
    const [before, after] = [this.#place(row - 1), this.#place(row)]
    return countedBetween(before.series.counted(before.row), after.series.counted(after.row))
  }

  #place(row: number): { readonly series: DeviceSeries; readonly row: number } {
    const part = this.#parts.findLast(({ before, from, to }) => before <= row && to > from)
    if (!part) throw new RangeError(`no row ${row}`)
    return { series: part.series, row: part.from + row - part.before }
  }
}

/** The runs of spans that hold single readings. */
export function runsOf(spans: readonly Span[]): readonly Run[] {
  const groups: Extract<Span, { kind: 'readings' }>[][] = []
  let last: Span | undefined
  for (const span of spans) {
    if (span.kind === 'readings') {
      if (last?.kind === 'readings') groups.at(-1)?.push(span)
      else groups.push([span])
    }
    last = span
  }
  return groups.map((group) => new Run(group))
}
