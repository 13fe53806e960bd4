import { createHash } from 'node:crypto'
import {
  isPosition,
  ProtocolError,
  type ClientMessage,
  type Position,
} from '../../protocol/index.ts'
import type { LastReading } from './buckets.ts'
import { isLateKey, type LatePlace } from './late.ts'

/** Where the next page begins. */
export interface Place {
  /** Late readings come first: how far they are done; undefined when all are. */
  readonly late?: LatePlace
  /** Rows after this position … */
  readonly after?: Position
  /** … in rows from this key on. */
  readonly key?: Position
  /** Buckets from this time on, epoch ms. */
  readonly fromMs?: number
  /** What the buckets before that ended with. */
  readonly before?: LastReading
}

/**
 * The text of a cursor: a place, and a mark of the user and the question. It is not signed, because it gives nothing: the entitlement is
 * checked at each page, and a place only moves within the answer to the same question of the same user. The mark refuses a cursor of
 * somebody else or of another question (MESSAGE-18).
 */
export function encodeCursor(place: Place, user: string, query: ClientMessage<'history'>): string {
  return Buffer.from(JSON.stringify([markOf(user, query), place])).toString('base64url')
}

/** Throws {@link ProtocolError} CURSOR_INVALID. */
export function decodeCursor(cursor: string, user: string, query: ClientMessage<'history'>): Place {
  const [mark, place] = parse(cursor)
  if (mark !== markOf(user, query) || !isPlace(place)) {
    throw new ProtocolError(
      'CURSOR_INVALID',
      'The cursor belongs to another question; ask again without one.',
    )
  }
  return place
}

function parse(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(value) ? (value as unknown[]) : []
  } catch {
    return []
  }
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false
  const { late, after, key, fromMs, before } = value as Record<string, unknown>
  const isTime =
    fromMs === undefined ||
    (typeof fromMs === 'number' && Number.isSafeInteger(fromMs) && fromMs >= 0)
  // A key may be a position with one more character: the text right after it.
  const isKey = key === undefined || (typeof key === 'string' && isPosition(key.slice(0, 43)))
  const isLate = late === undefined || isLatePlace(late)
  const isBefore = before === undefined || isLastReading(before)
  return isLate && isBefore && isTime && (after === undefined || isPosition(after)) && isKey
}

function isLastReading(value: unknown): value is LastReading {
  if (typeof value !== 'object' || value === null) return false
  const { ts, boot, n, metrics } = value as Record<string, unknown>
  const isCounted = (boot === null || typeof boot === 'string') && (n === null || isNumber(n))
  if (typeof metrics !== 'object' || metrics === null) return false
  return isNumber(ts) && isCounted && Object.values(metrics).every(isNumber)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isLatePlace(value: unknown): value is LatePlace {
  if (typeof value !== 'object' || value === null) return false
  const { key, after } = value as Record<string, unknown>
  return isLateKey(key) && (after === null || isPosition(after))
}

function markOf(user: string, query: ClientMessage<'history'>): string {
  const asked = Object.entries(query).filter(([member]) => member !== 'id' && member !== 'cursor')
  return createHash('sha256')
    .update(JSON.stringify([user, asked]))
    .digest('base64url')
    .slice(0, 22)
}
