import { arrivalOf } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { DeviceHead } from './device-head.ts'
import type { HistoryReader } from './ports.ts'

/** A fleet that has sent nothing for so long is off, not in trouble. */
const OFF_AFTER_MS = 24 * 3_600_000
/** A device is not late before so many of its usual pauses are over. */
const USUAL_PAUSES = 2

/**
 * Seconds for which no device has sent although one was due: since the newest reading of any device arrived, less two usual pauses of the
 * most frequent of those that were sending then. So a fleet of battery devices is not silent between its readings, and one that sends
 * hourly does not hide the silence of those that send each second. Undefined when none was sending within a day, or none has sent twice.
 */
export async function newestReadingAge(ports: {
  readonly history: Pick<HistoryReader, 'heads'>
  readonly clock: Clock
}): Promise<number | undefined> {
  const heads = [...(await ports.history.heads('all')).values()]
  const newestMs = Math.max(0, ...heads.map(arrivedMs))
  const pauses = heads.flatMap((head) => pauseAt(head, newestMs))
  if (pauses.length === 0) return undefined
  const ageMs = ports.clock.now() - newestMs - USUAL_PAUSES * Math.min(...pauses)
  return ageMs > OFF_AFTER_MS ? undefined : Math.round(Math.max(0, ageMs) / 1_000)
}

/** Epoch ms. */
function arrivedMs({ position }: DeviceHead): number {
  return position === null ? 0 : arrivalOf(position)
}

/** The usual pause of a device that was sending then; none of one that has been heard once. */
function pauseAt(head: DeviceHead, atMs: number): number | [] {
  const pauseMs = head.rhythm?.pauseMs
  if (pauseMs === undefined) return []
  return atMs - arrivedMs(head) <= USUAL_PAUSES * pauseMs ? pauseMs : []
}
