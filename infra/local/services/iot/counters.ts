import type { Clock, Metrics } from '../../platform/types.ts'

const NAMESPACE = 'AWS/IoT'
const FLUSH_MS = 1000

/** Counts of the service's own metrics, handed on once a second so that a message costs no call (IOT-72–IOT-74). */
export interface Counters {
  count(name: string, dimensions?: Readonly<Record<string, string>>, amount?: number): void
  flush(): void
  stop(): void
}

export function iotCounters(clock: Clock, metrics: Metrics): Counters {
  interface Count {
    readonly name: string
    readonly dimensions: Readonly<Record<string, string>>
    amount: number
  }
  const counts = new Map<string, Count>()
  const flush = (): void => {
    for (const { name, dimensions, amount } of counts.values()) {
      metrics.put({
        namespace: NAMESPACE,
        name,
        dimensions,
        value: 1,
        count: amount,
        unit: 'Count',
        timestampMs: clock.now(),
      })
    }
    counts.clear()
  }
  const cancel = clock.every(FLUSH_MS, flush)
  return {
    count(name, dimensions = {}, amount = 1) {
      const key = `${name}|${Object.values(dimensions).join('|')}`
      const known = counts.get(key)
      if (known) known.amount += amount
      else counts.set(key, { name, dimensions, amount })
    },
    flush,
    stop() {
      cancel()
      flush()
    },
  }
}
