import { ProtocolError, type ClientMessage } from '../../protocol/index.ts'
import type { AlarmEntry, AlarmRecord } from './ports.ts'

/** Messages that change an alarm. */
export type AlarmChange = Extract<
  ClientMessage<'alarms'>,
  { readonly op: 'ack' | 'note' | 'shelve' | 'unshelve' }
>

const MAX_SHELVE_MS = 24 * 3_600_000
const KEPT_NOTES = 20

/**
 * The record after a person's change, with the line for its history. Does not decide about the revision: the write does.
 * Throws ProtocolError RANGE_INVALID for a shelving that ends in the past or in more than 24 h.
 */
export function changeRecord(
  before: AlarmRecord | undefined,
  change: AlarmChange,
  who: { readonly by: string; readonly nowMs: number },
): AlarmRecord & { readonly last: AlarmEntry } {
  const base = withNote(
    { ...(before ?? { alarm: change.alarm, notes: [] }), revision: change.revision + 1 },
    change,
    who,
  )
  const text = 'text' in change ? (change.text ?? '') : ''
  const last = { at: who.nowMs, kind: change.op, by: who.by, text }
  switch (change.op) {
    case 'ack':
      return { ...base, acknowledgedBy: who.by, acknowledgedAt: who.nowMs, last }
    case 'note':
      return { ...base, last }
    case 'shelve': {
      requireShelving(change.until, who.nowMs)
      const until = [`until ${iso(change.until)}`, text].filter(Boolean).join(': ')
      const shelf = { shelvedUntil: change.until, shelvedBy: who.by }
      return { ...base, ...shelf, last: { ...last, text: until } }
    }
    case 'unshelve':
      return { ...unshelved(base), last }
  }
}

/**
 * Whether the record is what this very change has made already: the same person repeats it because he never got the answer. His second try
 * must not look like somebody else's change.
 */
export function isRepeated(
  now: AlarmRecord | undefined,
  { revision, last }: AlarmRecord & { readonly last: AlarmEntry },
): now is AlarmRecord {
  return (
    now?.revision === revision &&
    now.last?.kind === last.kind &&
    now.last.by === last.by &&
    now.last.text === last.text
  )
}

function unshelved(record: AlarmRecord): AlarmRecord {
  const copy: { -readonly [Name in keyof AlarmRecord]: AlarmRecord[Name] } = { ...record }
  delete copy.shelvedUntil
  delete copy.shelvedBy
  return copy
}

function withNote(
  record: AlarmRecord,
  change: AlarmChange,
  who: { readonly by: string; readonly nowMs: number },
): AlarmRecord {
  if (!('text' in change) || change.text === undefined) return record
  const note = { at: who.nowMs, by: who.by, text: change.text }
  return { ...record, notes: [...record.notes, note].slice(-KEPT_NOTES) }
}

function requireShelving(until: number, nowMs: number): void {
  if (until > nowMs && until <= nowMs + MAX_SHELVE_MS) return
  throw new ProtocolError(
    'RANGE_INVALID',
    `Shelving until ${iso(until)} is not possible; choose a time within the next 24 hours.`,
  )
}

const iso = (ms: number): string =>
  Number.isNaN(new Date(ms).getTime()) ? String(ms) : new Date(ms).toISOString()
