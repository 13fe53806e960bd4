import { pageDrawings } from './chart/drawings.ts'
import type { Drawn } from './chart/line-chart.ts'
import { type DrawCount, pageScheduler } from './chart/scheduler.ts'
import type { Connection } from './stream/stream-client.ts'
import type { Gap } from './stream/device-feed.ts'
import type { Figures } from './timeline/figures.ts'
import type { Telemetry } from './stream/telemetry.ts'

/** One series as plain copies: what the chart of `topic` and `metric` is drawn from. */
export interface SeriesCopy {
  readonly ts: number[]
  /** null = the reading did not carry this metric. */
  readonly values: (number | null)[]
  readonly positions: string[]
  readonly gaps: readonly Gap[]
}

/** JSON has no NaN: null stands for it. */
export interface PictureCopy {
  readonly drawn: Omit<Drawn, 'points' | 'late'> & {
    readonly points: readonly { readonly x: number; readonly y: number | null }[]
  }
  readonly figures: Readonly<Record<keyof Figures, number | boolean | null>>
  /** By the server's clock, epoch ms. */
  readonly nowMs: number
}

/** Read-only view of the running dashboard for tests and support: `window.__gaugeline`. */
export interface Inspection {
  /** The data of an open chart; undefined when the device is not watched. */
  series(topic: string, metric: string): SeriesCopy | undefined
  /**
   * What an open chart has drawn, read back from its engine, and the figures of the same part of the time; undefined when there is no such
   * chart.
   */
  picture(topic: string, metric: string): PictureCopy | undefined
  /** Topics of the fleet that the page knows. */
  topics(): string[]
  /** Newest values of a device; undefined when it is not known. */
  latest(topic: string): { ts: number | undefined; values: Record<string, number> } | undefined
  connection(): Connection
  readonly frames: number
  /** How often charts were drawn, and with how many points. */
  readonly drawn: DrawCount
  readonly duplicates: number
}

declare global {
  interface Window {
    __gaugeline?: Inspection
  }
}

export function inspect(telemetry: Telemetry): Inspection {
  return {
    series(topic, metric) {
      const feed = telemetry.feed(topic)
      if (!feed) return undefined
      const { ts, values, positions } = feed.series.view(metric)
      return {
        ts: [...ts],
        values: [...values].map((value) => (Number.isNaN(value) ? null : value)),
        positions: [...positions],
        gaps: feed.gaps,
      }
    },
    picture: (topic, metric) => pictureOf(telemetry, topic, metric),
    topics: () => [...telemetry.fleet.devices()].map((device) => device.topic),
    latest(topic) {
      const device = telemetry.fleet.get(topic)
      return device && { ts: device.ts, values: Object.fromEntries(device.values) }
    },
    connection: () => telemetry.client.connection(),
    get frames() {
      return telemetry.frames
    },
    get drawn() {
      return pageScheduler.count
    },
    get duplicates() {
      return telemetry.feeds().reduce((sum, feed) => sum + feed.series.duplicates, 0)
    },
  }
}

function pictureOf(telemetry: Telemetry, topic: string, metric: string): PictureCopy | undefined {
  const drawn = pageDrawings.get(topic, metric)
  const timeline = telemetry.timeline(topic)
  if (!drawn || !timeline) return undefined
  const { fromMs, toMs, bands, bucketMs } = drawn
  const nowMs = telemetry.serverNow()
  const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value)
  const points = drawn.points.map(({ x, y }) => ({ x, y: orNull(y) }))
  const { min, avg, max, p95, ...rest } = timeline.figures(metric, { fromMs, toMs, nowMs })
  const values = { min: orNull(min), avg: orNull(avg), max: orNull(max), p95: orNull(p95) }
  return {
    drawn: { fromMs, toMs, bands, bucketMs, points },
    figures: { ...rest, ...values },
    nowMs,
  }
}
