import type { Block, Subscribed } from '../../../backend/src/protocol/index.ts'
import { readColumns } from '../../../dashboard/src/chart/columns.ts'
import { toCsv } from '../../../dashboard/src/csv.ts'
import { formatNumber, styleOf } from '../../../dashboard/src/format/numbers.ts'
import { DeviceFeed } from '../../../dashboard/src/stream/device-feed.ts'
import { Timeline } from '../../../dashboard/src/timeline/timeline.ts'
import type { Shown } from './row.ts'

const MINUTE_MS = 60_000

/** What the dashboard makes of the pushed blocks of a device, after the answer to its subscribe. */
export function shownOf(
  topic: string,
  answer: Subscribed,
  blocks: readonly Block[],
): Required<Shown> {
  const feed = new DeviceFeed(topic)
  const [result] = answer.results
  if (result?.ok) feed.subscribed(result, answer.blocks, null)
  for (const block of blocks) feed.push(block)
  const { firstTs = 0, lastTs = 0 } = feed.series
  // A minute later nobody waits for what is missing.
  const range = { fromMs: firstTs - MINUTE_MS, toMs: lastTs + MINUTE_MS }
  feed.knownFromMs = range.fromMs
  const timeline = new Timeline(feed)
  const nowMs = range.toMs
  const columns = readColumns(timeline, 'a', { ...range, pixels: 400, nowMs })
  const file = toCsv(timeline, { fromMs: firstTs, toMs: lastTs, nowMs })
  return {
    gaps: columns.bands.filter(({ tone }) => tone === 'lost').map(({ label }) => label),
    values: columns.y
      .filter((value) => !Number.isNaN(value))
      .map((value) => formatNumber(value, styleOf([value]))),
    csv: file.text.split('\r\n', 1)[0] ?? '',
  }
}
