import type { Telemetry } from './stream/telemetry.ts'
import type { Entry } from './timeline/entries.ts'
import type { Timeline } from './timeline/timeline.ts'

/** Epoch milliseconds. */
export interface CsvRange {
  readonly fromMs: number
  readonly toMs: number
  /** The end of what can be known. */
  readonly nowMs: number
}

export interface CsvFile {
  readonly text: string
  /** False where a part could not be loaded; the file says which. */
  readonly isComplete: boolean
}

/**
 * The readings of a window as CSV: RFC 4180, time as ISO 8601 in UTC, an empty field where a reading has no value. What is only known in
 * buckets is there as their averages: the column `averaged_over_ms`, in such a file alone, says over how long. Each hole has a row of its
 * own without values: the column `gap`, in a file with holes alone, says until when, of which metrics and why.
 */
export function toCsv(timeline: Timeline, range: CsvRange, wanted?: readonly string[]): CsvFile {
  const metrics = wanted ?? timeline.metrics
  const entries = timeline.entries(metrics, range)
  const hasAverages = entries.some(({ kind }) => kind === 'average')
  const hasGaps = entries.some(({ kind }) => kind === 'hole' || kind === 'unknown')
  const head = [
    'time',
    ...metrics,
    ...(hasAverages ? ['averaged_over_ms'] : []),
    ...(hasGaps ? ['gap'] : []),
  ].map(field)
  const rows = entries.map((entry) => [
    new Date(entry.at).toISOString(),
    ...('values' in entry ? entry.values.map(text) : metrics.map(() => '')),
    ...(hasAverages ? [entry.kind === 'average' ? String(entry.overMs) : ''] : []),
    ...(hasGaps ? [field(gapText(entry, metrics))] : []),
  ])
  return {
    text: [head, ...rows].map((row) => `${row.join(',')}\r\n`).join(''),
    isComplete: entries.every(({ kind }) => kind !== 'unknown'),
  }
}

const reasons = {
  missing: 'readings of the device never arrived',
  awaited: 'readings not here yet',
  silent: 'device sent nothing',
  none: 'no reading',
  without: 'not sent',
  waiting: 'nothing received since',
  expired: 'older than what is kept',
  link: 'missing between server and dashboard',
} as const

function gapText(entry: Entry, all: readonly string[]): string {
  if (entry.kind === 'reading' || entry.kind === 'average') return ''
  const until = `until ${new Date(entry.toMs).toISOString()}`
  if (entry.kind === 'unknown') return `not loaded ${until}`
  const { missing, kind } = entry.hole
  const count = kind === 'missing' && typeof missing === 'number' ? `${missing} ` : ''
  const of = entry.metrics.length < all.length ? `${entry.metrics.join(' and ')}: ` : ''
  return `${of}${count}${reasons[kind]} ${until}`
}

/** Loads what the window lacks, then offers it as a file. Settles with whether all of it is there. */
export async function saveCsv(
  telemetry: Telemetry,
  timeline: Timeline,
  {
    range,
    metrics,
  }: { readonly range: Omit<CsvRange, 'nowMs'>; readonly metrics?: readonly string[] },
): Promise<boolean> {
  const { topic } = timeline
  await telemetry.load(topic, range, { wantsReadings: true })
  const file = toCsv(timeline, { ...range, nowMs: telemetry.serverNow() }, metrics)
  const url = URL.createObjectURL(new Blob([file.text], { type: 'text/csv' }))
  const link = document.createElement('a')
  const name = [topic, ...(metrics ?? [])].join('-').replaceAll(/[^\w.-]/g, '-')
  const end = new Date(range.toMs).toISOString().replaceAll(':', '.')
  link.href = url
  link.download = `${name}-${end}${file.isComplete ? '' : '-incomplete'}.csv`
  link.click()
  URL.revokeObjectURL(url)
  return file.isComplete
}

function text(value: number): string {
  return Number.isNaN(value) ? '' : String(value)
}

/** A metric may be named by a device: quoted, and a leading formula sign is disarmed for spreadsheets. */
function field(text: string): string {
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
