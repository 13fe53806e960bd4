import { formatSpan } from '../format/times.ts'
import type { Gap, GapReason } from '../stream/device-feed.ts'

/** A stretch of the time axis that needs a word. `hatch` fills it, `tick` only marks it on the axis. Epoch milliseconds. */
export interface Band {
  readonly fromMs: number
  readonly toMs: number
  readonly form: 'hatch' | 'tick'
  readonly tone: 'silent' | 'open' | 'lost' | 'repaired'
  readonly text: string
  /** Two or three words that stand in the band itself. */
  readonly label: string
}

const reasons: Readonly<Record<GapReason, string>> = {
  'socket-down': 'connection was down',
  hole: 'push was lost',
  throttled: 'server throttled this link',
  slow: 'this link was too slow',
  shed: 'server shed load',
  failed: 'server could not send',
  retention: 'older than retention',
  'unknown-position': 'position no longer known',
  latest: 'only the newest value was asked for',
}

/** A gap of the feed in a window that ends at `endMs`. */
export function gapBand(gap: Gap, endMs: number): Band {
  const toMs = Math.min(gap.toMs, endMs)
  const span = formatSpan(Math.max(0, toMs - gap.fromMs))
  const base = { fromMs: gap.fromMs, toMs }
  const why = reasons[gap.reason]
  switch (gap.state) {
    case 'open':
      return {
        ...base,
        form: 'hatch',
        tone: 'open',
        text: `${why}, asking for the readings`,
        label: openLabel(gap.reason),
      }
    case 'lost':
      return {
        ...base,
        form: 'hatch',
        tone: 'lost',
        text: `${span} lost: ${why}`,
        label: 'lost',
      }
    case 'repaired':
      return {
        ...base,
        form: 'tick',
        tone: 'repaired',
        text: `${why} ${span}, ${gap.repaired} ${gap.repaired === 1 ? 'reading' : 'readings'} repaired`,
        label: '',
      }
  }
}

function openLabel(reason: GapReason): string {
  return reason === 'socket-down' ? 'connection down' : 'fetching'
}

/**
 * Between two readings of a stream that is held: `missing` is what the device counted meanwhile, undefined = it does not say. `isYoung`:
 * they may still come.
 */
export function silence(
  stretch: Pick<Band, 'fromMs' | 'toMs'>,
  missing: number | undefined,
  isYoung: boolean,
): Band {
  const span = formatSpan(stretch.toMs - stretch.fromMs)
  const base = { ...stretch, form: 'hatch' } as const
  if (missing === 0) {
    const text = `device sent nothing for ${span}`
    return { ...base, tone: 'silent', text, label: `silent ${span}` }
  }
  if (missing === undefined) {
    return { ...base, tone: 'silent', text: `no reading for ${span}`, label: `none ${span}` }
  }
  const what = missing === 1 ? '1 reading' : `${missing} readings`
  if (isYoung) return { ...base, tone: 'open', text: `${what} not here yet`, label: 'awaited' }
  const text = `${what} of the device never arrived (${span})`
  return { ...base, tone: 'lost', text, label: `${missing} missing` }
}

/** After the newest reading nobody knows yet whether the device or the way to us is silent. */
export function waiting(fromMs: number, toMs: number): Band {
  const text = `nothing received for ${formatSpan(toMs - fromMs)}`
  return { fromMs, toMs, form: 'hatch', tone: 'silent', text, label: 'no data' }
}
