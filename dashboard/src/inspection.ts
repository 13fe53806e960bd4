import { type DrawCount, pageScheduler } from './chart/scheduler.ts'
import type { Connection } from './stream/stream-client.ts'
import type { Gap } from './stream/device-feed.ts'
import type { Telemetry } from './stream/telemetry.ts'

/** One series as plain copies: what the chart of `topic` and `metric` is drawn from. */
export interface SeriesCopy {
  readonly ts: number[]
  /** null = the reading did not carry this metric. */
  readonly values: (number | null)[]
  readonly positions: string[]
  readonly gaps: readonly Gap[]
}

/** Read-only view of the running dashboard for tests and support: `window.__gaugeline`. */
export interface Inspection {
  /** The data of an open chart; undefined when the device is not watched. */
  series(topic: string, metric: string): SeriesCopy | undefined
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
