import type { Connection } from '../stream/stream-client.ts'
import type { Recovery } from '../stream/watched-devices.ts'
import { formatClock, formatSpan, type TimeZone } from './times.ts'

export interface ConnectionWords {
  readonly tone: 'normal' | 'warning' | 'critical' | 'info'
  readonly text: string
}

export interface WordsContext {
  /** Epoch milliseconds of this machine. */
  readonly now: number
  readonly zone: TimeZone
  readonly recovery: Recovery | undefined
  readonly slow: boolean
  /** Age of the newest reading of all, milliseconds, when no device of the fleet is live. */
  readonly silentMs?: number | undefined
}

/** A short break is no news: only after a second it is shown. */
const PATIENCE_MS = 1_000
const RECOVERY_SHOWN_MS = 10_000
const TOKEN_WARNING_MS = 5 * 60_000

const retentionWords: Readonly<Record<string, string>> = {
  retention: 'older than retention',
  'unknown-position': 'position no longer known',
  latest: 'only the newest value was asked for',
}

/** What the status bar says about the connection. */
export function connectionWords(connection: Connection, context: WordsContext): ConnectionWords {
  const { now, zone } = context
  switch (connection.phase) {
    case 'idle':
      return { tone: 'normal', text: 'Not connected' }
    case 'connecting':
    case 'hello':
      return { tone: 'normal', text: 'Connecting' }
    case 'signed-out':
      return { tone: 'critical', text: connection.reason ?? 'Signed out' }
    case 'reconnecting':
      return reconnecting(connection, now, zone)
    case 'resuming':
      return connection.lostAt === undefined
        ? { tone: 'normal', text: 'Loading' }
        : { tone: 'warning', text: 'Back. Fetching what was missed' }
    case 'checking':
      return { tone: 'warning', text: 'No answer for a while, checking the link' }
    case 'live':
      return live(connection, context)
  }
}

function reconnecting(connection: Connection, now: number, zone: TimeZone): ConnectionWords {
  const { lostAt, lastReceivedAt, nextTryAt } = connection
  if (lostAt !== undefined && now - lostAt < PATIENCE_MS) return { tone: 'normal', text: 'Live' }
  const seconds = nextTryAt === undefined ? 0 : Math.max(0, Math.ceil((nextTryAt - now) / 1_000))
  const tries = `try ${Math.max(1, connection.attempt)}, ${seconds > 0 ? `next in ${seconds} s` : 'now'}`
  const upTo =
    lastReceivedAt === undefined ? '' : ` · showing data up to ${formatClock(lastReceivedAt, zone)}`
  return { tone: 'warning', text: `Reconnecting, ${tries}${upTo}` }
}

function live(connection: Connection, context: WordsContext): ConnectionWords {
  const { recovery, now } = context
  if (context.slow) {
    return { tone: 'warning', text: 'Your link is slow: showing newest values only' }
  }
  if (recovery && now - recovery.at < RECOVERY_SHOWN_MS) return recovered(recovery)
  const left = (connection.tokenExpiresAt ?? Infinity) - (now + connection.clockOffsetMs)
  if (left < TOKEN_WARNING_MS) {
    const minutes = Math.max(1, Math.ceil(left / 60_000))
    return { tone: 'warning', text: `Session ends in ${minutes} min` }
  }
  if (context.silentMs !== undefined) {
    const text = `Connected, but nothing received for ${formatSpan(context.silentMs)}`
    return { tone: 'warning', text }
  }
  return { tone: 'info', text: 'Live' }
}

function recovered(recovery: Recovery): ConnectionWords {
  if (recovery.lostMs > 0) {
    const why = retentionWords[recovery.reason ?? ''] ?? 'not kept'
    const span = formatSpan(recovery.lostMs)
    return {
      tone: 'warning',
      text: `Back. ${span} could not be recovered (${why}), marked on the charts`,
    }
  }
  const took = formatSpan(recovery.tookMs)
  return {
    tone: 'info',
    text: `Back. ${recovery.readings} readings repaired in ${took}, none lost`,
  }
}

/** True when the link is away long enough to be said: values on screen no longer follow the devices. */
export function isLinkDown(connection: Connection, now: number): boolean {
  return connection.phase === 'reconnecting' && now - (connection.lostAt ?? 0) >= PATIENCE_MS
}
