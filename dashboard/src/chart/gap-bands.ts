import { formatSpan } from '../format/times.ts'
import type { Gap, GapReason } from '../stream/device-feed.ts'
import type { ShownHole } from '../timeline/holes.ts'
import type { Unknown, View } from '../timeline/timeline.ts'

/**
 * A stretch of the time axis that needs a word. `hatch`: nothing is there. `veil`: nobody knows yet what is there. `tick` only marks it on
 * the axis. Epoch milliseconds.
 */
export interface Band {
  readonly fromMs: number
  readonly toMs: number
  readonly form: 'hatch' | 'veil' | 'tick'
  readonly tone: 'silent' | 'open' | 'lost' | 'repaired' | 'unknown'
  readonly text: string
  /** Two or three words that stand in the band itself. */
  readonly label: string
}

type Words = Pick<Band, 'tone' | 'text' | 'label'>

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

/** The bands of a view, those that cover most first. */
export function bandsOf({
  holes,
  unknown,
  repaired,
}: Pick<View, 'holes' | 'unknown' | 'repaired'>): Band[] {
  return [
    ...unknown.map(unknownBand),
    ...holes.map((hole): Band => {
      const { fromMs, toMs } = hole
      return { fromMs, toMs, form: 'hatch', ...wordsOf(hole) }
    }),
    ...repaired.map(repairedBand),
  ]
}

function unknownBand({ fromMs, toMs, why }: Unknown): Band {
  const words =
    why === 'loading'
      ? { text: 'being loaded', label: 'loading' }
      : { text: 'could not be loaded yet; asking again', label: 'not loaded' }
  return { fromMs, toMs, form: 'veil', tone: 'unknown', ...words }
}

function repairedBand({ fromMs, toMs, reason, repaired }: Gap): Band {
  const span = formatSpan(Math.max(0, toMs - fromMs))
  const text = `${reasons[reason]} ${span}, ${countOf(repaired)} repaired`
  return { fromMs, toMs, form: 'tick', tone: 'repaired', text, label: '' }
}

/** Whose doing a hole is, in a sentence and in two words. */
export function wordsOf(hole: ShownHole): Words {
  const { kind, without, missing, count, gap } = hole
  const span = formatSpan(hole.toMs - hole.fromMs)
  switch (kind) {
    case 'link':
      return linkWords(gap?.reason ?? 'hole', gap?.state === 'open', span)
    case 'awaited':
      return { tone: 'open', text: `${countOf(missing)} not here yet`, label: 'awaited' }
    case 'missing': {
      const text = `${countOf(missing)} of the device never arrived (${span}${timesOf(count)})`
      return {
        tone: 'lost',
        text,
        label: missing === 'some' ? 'missing' : `${missing ?? 0} missing`,
      }
    }
    case 'silent':
      return {
        tone: 'silent',
        text: `device sent nothing for ${span}${timesOf(count)}`,
        label: `silent ${span}`,
      }
    case 'without': {
      const text = `${without > 0 ? countOf(without) : 'readings'} without this metric (${span}${timesOf(count)})`
      return { tone: 'silent', text, label: `not sent ${span}` }
    }
    case 'none':
      return {
        tone: 'silent',
        text: `no reading for ${span}${timesOf(count)}`,
        label: `none ${span}`,
      }
    case 'waiting':
      // Nobody knows yet whether the device or the way to us is silent.
      return { tone: 'silent', text: `nothing received for ${span}`, label: 'no data' }
    case 'expired':
      return { tone: 'silent', text: 'older than what is kept', label: 'no longer kept' }
  }
}

function linkWords(reason: GapReason, isOpen: boolean, span: string): Words {
  const why = reasons[reason]
  if (!isOpen) return { tone: 'lost', text: `${span} lost: ${why}`, label: 'lost' }
  const label = reason === 'socket-down' ? 'connection down' : 'fetching'
  return { tone: 'open', text: `${why}, asking for the readings`, label }
}

function countOf(readings: number | 'some' | null): string {
  if (readings === 'some' || readings === null) return 'readings'
  return readings === 1 ? '1 reading' : `${readings} readings`
}

function timesOf(count: number): string {
  return count > 1 ? `, ${count} times` : ''
}
