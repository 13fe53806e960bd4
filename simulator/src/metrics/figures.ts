import type { MetricName } from './catalog.ts'

/** A histogram of milliseconds, as much as is asked of one. */
export interface Latencies {
  readonly count: number
  readonly min: number
  readonly max: number
  readonly mean: number
  percentile(percent: number): number
}

/** What a metric amounts to at one moment. */
export type Figure =
  | { readonly kind: 'share'; readonly hits: number; readonly of: number }
  | { readonly kind: 'latency'; readonly latencies: Latencies }
  | { readonly kind: 'count'; readonly count: number; readonly seconds: number }

export type Figures = Readonly<Partial<Record<MetricName, Figure>>>
