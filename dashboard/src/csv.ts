import type { DeviceFeed } from './stream/device-feed.ts'

/** The readings of a window as CSV: RFC 4180, time as ISO 8601 in UTC, an empty field where a reading has no value. */
export function toCsv(feed: DeviceFeed, range: { fromMs: number; toMs: number }): string {
  const { series } = feed
  const metrics = series.metrics
  const views = metrics.map((metric) => series.view(metric))
  const first = views[0]
  const lines = [['time', ...metrics].map(field).join(',')]
  if (!first) return `${lines.join('\r\n')}\r\n`
  const end = series.rowAt(range.toMs + 1)
  for (let row = series.rowAt(range.fromMs); row < end; row++) {
    const values = views.map((view) => {
      const value = view.values[row] ?? Number.NaN
      return Number.isNaN(value) ? '' : String(value)
    })
    lines.push([new Date(first.ts[row] ?? 0).toISOString(), ...values].join(','))
  }
  return `${lines.join('\r\n')}\r\n`
}

/** Offers the window's readings as a file. */
export function saveCsv(feed: DeviceFeed, range: { fromMs: number; toMs: number }): void {
  const url = URL.createObjectURL(new Blob([toCsv(feed, range)], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${feed.topic.replace('/', '-')}-${new Date(range.toMs).toISOString()}.csv`
  link.click()
  URL.revokeObjectURL(url)
}

/** A metric may be named by a device: quoted, and a leading formula sign is disarmed for spreadsheets. */
function field(text: string): string {
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
