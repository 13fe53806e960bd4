import type { DeviceTopic } from '../../protocol/index.ts'
import { countSubscribers } from './count-subscribers.ts'
import type { SubscriberCountPorts, SubscriberCounts } from './ports.ts'
import { createPublishCounts } from './publish-counts.ts'

/** A device is told at most once in this time. */
const MIN_INTERVAL_MS = 2_000
/**
 * What was told is told again after this time: a message of the `subscriptions` function may have overtaken ours, and then what the device
 * knows is not what is remembered here.
 */
const REMEMBERED_MS = 5 * 60_000
const REMEMBERED_DEVICES = 100_000

interface Announced {
  /** Undefined: another count has been seen since, and the device may have been told that by somebody else, or by us without an answer. */
  readonly watchers: number | undefined
  readonly atMs: number
}

/**
 * Remembers what each device was told; all of that may be lost at any time, and then it is told once more. All readings of a device come in
 * one shard, and of a shard only one batch is under way, so one environment knows it all.
 */
export function createSubscriberCounts(ports: SubscriberCountPorts): SubscriberCounts {
  const publish = createPublishCounts(ports)
  const memory = new Map<DeviceTopic, Announced>()
  return {
    async announce(topics, audience, asOfMs) {
      const changed = new Map<DeviceTopic, number>()
      for (const topic of topics) {
        const watchers = countSubscribers(topic, audience, asOfMs)
        const known = memory.get(topic)
        if (isDue(known, watchers, asOfMs)) changed.set(topic, watchers)
        if (known && known.watchers !== watchers)
          memory.set(topic, { ...known, watchers: undefined })
      }
      const announced = await publish({ watchers: changed, asOfMs })
      if (memory.size + announced.length > REMEMBERED_DEVICES) memory.clear()
      for (const topic of announced) {
        memory.set(topic, { watchers: changed.get(topic) ?? 0, atMs: asOfMs })
      }
    },
  }
}

function isDue(last: Announced | undefined, watchers: number, nowMs: number): boolean {
  if (!last) return true
  const age = nowMs - last.atMs
  return age >= (last.watchers === watchers ? REMEMBERED_MS : MIN_INTERVAL_MS)
}
