import type { DeviceTopic } from '../../protocol/index.ts'
import type { BatchDemand } from '../delivery/ports.ts'
import { countWatchers } from './count-subscribers.ts'
import type { DemandPorts } from './ports.ts'
import { createPublishDemand } from './publish-counts.ts'

/** A device is told at most once in this time. */
const CALM_MS = 2_000
/**
 * What was told is told again after this time: a message of the `subscriptions` function may have overtaken ours, and then what the device
 * knows is not what is remembered here.
 */
const REMEMBERED_MS = 5 * 60_000
const REMEMBERED_DEVICES = 100_000

interface Told {
  /** Undefined: another count has been seen since, and the device may have been told that by somebody else, or by us without an answer. */
  readonly watchers: number | undefined
  readonly atMs: number
}

/**
 * Remembers what each device was told; all of that may be lost at any time, and then it is told once more. All readings of a device come in
 * one shard, and of a shard only one batch is under way, so one environment knows it all.
 */
export function createBatchDemand(ports: DemandPorts): BatchDemand {
  const publish = createPublishDemand(ports)
  const memory = new Map<DeviceTopic, Told>()
  return {
    async tell(topics, audience, asOfMs) {
      const changed = new Map<DeviceTopic, number>()
      for (const topic of topics) {
        const watchers = countWatchers(topic, audience, asOfMs)
        const known = memory.get(topic)
        if (isDue(known, watchers, asOfMs)) changed.set(topic, watchers)
        if (known && known.watchers !== watchers)
          memory.set(topic, { ...known, watchers: undefined })
      }
      const told = await publish({ watchers: changed, asOfMs })
      if (memory.size + told.length > REMEMBERED_DEVICES) memory.clear()
      for (const topic of told) {
        memory.set(topic, { watchers: changed.get(topic) ?? 0, atMs: asOfMs })
      }
    },
  }
}

function isDue(told: Told | undefined, watchers: number, nowMs: number): boolean {
  if (!told) return true
  const age = nowMs - told.atMs
  return age >= (told.watchers === watchers ? REMEMBERED_MS : CALM_MS)
}
