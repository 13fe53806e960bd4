import type { Clock } from './clock.ts'
import { type Fleet, type FleetDevice, SPARK_POINTS } from './fleet.ts'
import type { StreamClient } from './stream-client.ts'

const BUCKET_MS = 1_000
/** Between two questions: the fleet's lines may wait, what a person asks for may not. */
const PAUSE_MS = 150

/**
 * Gives the small lines of the fleet the minute before the page was opened, asked for device by device and only for those on screen. A
 * device whose question fails keeps the line that grows by itself.
 */
export class Trends {
  readonly #client: StreamClient
  readonly #fleet: Fleet
  readonly #clock: Clock
  readonly #asked = new Set<string>()
  #wanted: readonly string[] = []
  #isAsking = false

  constructor(parts: { client: StreamClient; fleet: Fleet; clock: Clock }) {
    this.#client = parts.client
    this.#fleet = parts.fleet
    this.#clock = parts.clock
  }

  /** The topics on screen now, the first first; replaces those of the call before. */
  want(topics: readonly string[]): void {
    this.#wanted = topics
    this.#next()
  }

  #next(): void {
    if (this.#isAsking || this.#client.connection().phase !== 'live') return
    const device = this.#wanted
      .filter((topic) => !this.#asked.has(topic))
      .map((topic) => this.#fleet.get(topic))
      .find((found) => found?.trendFrom !== undefined && isShort(found))
    if (device?.trendFrom === undefined) return
    const { topic, trendFrom: before } = device
    this.#asked.add(topic)
    this.#isAsking = true
    const from = before - SPARK_POINTS * BUCKET_MS
    this.#client
      .request({ action: 'history', topic, from, to: before, bucketMs: BUCKET_MS })
      .then(
        ({ buckets }) => {
          if (buckets) this.#fleet.earlier(buckets)
        },
        () => undefined,
      )
      .finally(() => {
        this.#clock.after(PAUSE_MS, () => {
          this.#isAsking = false
          this.#next()
        })
      })
  }
}

function isShort(device: FleetDevice): boolean {
  const lengths = [...device.sparks.values()].map((spark) => spark.length)
  return Math.max(0, ...lengths) < SPARK_POINTS / 2
}
