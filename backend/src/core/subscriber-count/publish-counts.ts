import type { DeviceTopic } from '../../protocol/index.ts'
import type { SubscriberCountPorts } from './ports.ts'

/** Devices that are told at one time; the others are told with the next batches. */
export const DEVICES_AT_ONCE = 20
/** All of them together: a batch of readings waits no longer. */
const LIMIT_MS = 500
/** Nothing is tried for so long after a failure: a broker that does not answer must not hold up one batch after the other. */
const PAUSE_MS = 5_000

export interface Counts {
  readonly watchers: ReadonlyMap<DeviceTopic, number>
  /** Epoch ms as of which they were counted. */
  readonly asOfMs: number
}

/** Tells devices how many watch them. Never throws; returns those that were told. */
export type PublishCounts = (counts: Counts) => Promise<readonly DeviceTopic[]>

/** Side by side, at most {@link DEVICES_AT_ONCE}, within half a second; failures are one line, and a pause. */
export function createPublishCounts({ messages, clock, log }: SubscriberCountPorts): PublishCounts {
  let pausedUntilMs = 0
  return async ({ watchers, asOfMs }) => {
    if (clock.now() < pausedUntilMs) return []
    const chosen = [...watchers].slice(0, DEVICES_AT_ONCE)
    if (chosen.length === 0) return []
    const timeout = new AbortController()
    const cancelTimeout = clock.after(LIMIT_MS, () => {
      timeout.abort()
    })
    const outcomes = await Promise.allSettled(
      chosen.map(([topic, count]) =>
        messages.publish(topic, { watchers: count, at: asOfMs }, timeout.signal),
      ),
    )
    cancelTimeout()
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
    if (failures.length > 0) {
      pausedUntilMs = clock.now() + PAUSE_MS
      const facts = { devices: failures.length, firstDevice: chosen[0]?.[0] ?? '' }
      log.warn(
        'devices could not be told who watches, they are told later',
        facts,
        failures[0]?.reason,
      )
    }
    return chosen.flatMap(([topic], i) => (outcomes[i]?.status === 'fulfilled' ? [topic] : []))
  }
}
