import { createHash } from 'node:crypto'
import type { DeviceTopic } from '../../protocol/index.ts'

/** Lanes share the writes of a batch: two hex digits, `00` to `0f`. */
export type Lane = string

const LANES = 16
const cache = new Map<DeviceTopic, Lane>()
const CACHE_ENTRIES = 50_000

/** The lane of a device: the first hex digit of the MD5 of its partition key, the hash that Kinesis shards by (KINESIS-5). */
export function laneOf(topic: DeviceTopic): Lane {
  const known = cache.get(topic)
  if (known !== undefined) return known
  const digit = createHash('md5').update(topic).digest('hex').slice(0, 1)
  if (cache.size >= CACHE_ENTRIES) cache.clear()
  cache.set(topic, `0${digit}`)
  return `0${digit}`
}

export const allLanes: readonly Lane[] = Array.from(
  { length: LANES },
  (_, lane) => `0${lane.toString(16)}`,
)
