import type { DeviceFeed } from './stream/device-feed.ts'

/** Epoch milliseconds. */
export interface CsvRange {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * The readings of a window as CSV: RFC 4180, time as ISO 8601 in UTC, an empty field where a reading has no value. What the window holds
 * only as buckets is there as their averages: the last column, in such a file alone, says over how long.
 */
export function toCsv(feed: DeviceFeed, range: CsvRange, wanted?: readonly string[]): string {
  const metrics = wanted ?? feed.series.metrics
  const averages = averageRows(feed, range, metrics)
  const hasAverages = averages.length > 0
  const head = ['time', ...metrics, ...(hasAverages ? ['averaged_over_ms'] : [])].map(field)
  const readings = readingRows(feed, range, metrics)
  const rows = [...averages, ...readings.map((row) => (hasAverages ? [...row, ''] : row))]
  return [head, ...rows].map((row) => `${row.join(',')}\r\n`).join('')
}

function readingRows(
  { series }: DeviceFeed,
  range: CsvRange,
  metrics: readonly string[],
): string[][] {
  const views = metrics.map((metric) => series.view(metric))
  const [first] = views
  if (!first) return []
  const rows: string[][] = []
  const end = Math.min(first.length, series.rowAt(range.toMs + 1))
  for (let row = series.rowAt(range.fromMs); row < end; row++) {
    const values = views.map((view) => text(view.values[row]))
    rows.push([timeText(first.ts[row]), ...values])
  }
  return rows
}

function averageRows(feed: DeviceFeed, range: CsvRange, metrics: readonly string[]): string[][] {
  const { coarse } = feed
  if (!coarse) return []
  const { bucketMs, ts } = coarse
  const firstRaw = feed.series.firstTs ?? Infinity
  return ts.flatMap((at, i) => {
    if (at < range.fromMs || at > range.toMs || at + bucketMs > firstRaw) return []
    const values = metrics.map((metric) => text(coarse.metrics[metric]?.avg[i] ?? undefined))
    return values.every((value) => value === '')
      ? []
      : [[timeText(at), ...values, String(bucketMs)]]
  })
}

/** Offers the window's readings as a file. */
export function saveCsv(feed: DeviceFeed, range: CsvRange, metrics?: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([toCsv(feed, range, metrics)], { type: 'text/csv' }))
  const link = document.createElement('a')
  const name = [feed.topic, ...(metrics ?? [])].join('-').replaceAll(/[^\w.-]/g, '-')
  link.href = url
  link.download = `${name}-${new Date(range.toMs).toISOString().replaceAll(':', '.')}.csv`
  link.click()
  URL.revokeObjectURL(url)
}

function timeText(at: number | undefined): string {
  return new Date(at ?? 0).toISOString()
}

function text(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : String(value)
}

/** A metric may be named by a device: quoted, and a leading formula sign is disarmed for spreadsheets. */
function field(text: string): string {
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
