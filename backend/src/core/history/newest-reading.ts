import { arrivalOf } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { HistoryReader } from './ports.ts'

/** A fleet that has sent nothing for so long is off, not in trouble. */
const OFF_AFTER_MS = 24 * 3_600_000

/** Seconds since the newest reading of any device arrived; undefined when none arrived within a day. */
export async function newestReadingAge(ports: {
  readonly history: Pick<HistoryReader, 'heads'>
  readonly clock: Clock
}): Promise<number | undefined> {
  const heads = await ports.history.heads('all')
  const newestMs = [...heads.values()].reduce(
    (newest, { position }) => (position === null ? newest : Math.max(newest, arrivalOf(position))),
    0,
  )
  const ageMs = Math.max(0, ports.clock.now() - newestMs)
  return ageMs > OFF_AFTER_MS ? undefined : Math.round(ageMs / 1_000)
}
