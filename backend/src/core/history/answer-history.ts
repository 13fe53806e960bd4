import {
  arrivalOf,
  isEntitled,
  limits,
  ProtocolError,
  type DeviceTopic,
  type HistoryPage,
  type Note,
} from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '../connections/ports.ts'
import { whereProblem } from '../selection/where.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { HistoryReader } from './ports.ts'
import type { HistoryQuery, ReadPage, HistoryRead } from './query.ts'
import { readBuckets } from './read-buckets.ts'
import { readByPosition } from './read-by-position.ts'
import { readByTime } from './read-by-time.ts'

export interface HistoryPorts {
  readonly history: HistoryReader
  readonly notes: {
    /** Notes on the device's chart with a time in [fromMs, toMs). */
    between(topic: DeviceTopic, fromMs: number, toMs: number): Promise<readonly Note[]>
  }
  readonly clock: Clock
}

const ENVELOPE_BYTES = 2_048
/** Notes may take a quarter of a page. */
const NOTES_BYTES = limits.frameBytes / 4

/**
 * One page of a device's history: by time (device clock) or by position, raw or in buckets. Throws {@link ProtocolError} FORBIDDEN (also
 * for a device that does not exist), RANGE_INVALID, FILTER_INVALID or CURSOR_INVALID.
 */
export async function answerHistory(
  query: HistoryQuery,
  connection: Connection,
  { history, notes, clock }: HistoryPorts,
): Promise<HistoryPage> {
  if (!isEntitled(connection.devices, query.topic)) {
    throw new ProtocolError('FORBIDDEN', 'You may not see this topic, or there is no such device.')
  }
  const range = rangeOf(query, clock.now())
  const place = query.cursor ? decodeCursor(query.cursor, connection.user, query) : {}
  const pageNotes = query.cursor
    ? []
    : fitting(await notes.between(query.topic as DeviceTopic, range.fromMs, range.toMs))
  const budget = {
    bytes: limits.frameBytes - ENVELOPE_BYTES - sizeOf(pageNotes),
    readings: query.limit ?? limits.historyPoints,
  }
  const reading = { query, topic: query.topic as DeviceTopic, place, history, budget }
  const page = await read(reading, range)
  const keptFromMs = history.keptFromMs()
  return {
    type: 'history',
    id: query.id,
    topic: query.topic,
    ...page.content,
    ...(pageNotes.length > 0 ? { notes: pageNotes } : {}),
    cursor: page.next ? encodeCursor(page.next, connection.user, query) : null,
    complete: page.complete && (query.since !== undefined || range.fromMs >= keptFromMs),
    keptFromMs,
  }
}

interface Range {
  readonly fromMs: number
  readonly toMs: number
}

function read(reading: HistoryRead, range: Range): Promise<ReadPage> {
  const { query } = reading
  if (query.bucketMs !== undefined)
    return readBuckets(reading, { ...range, bucketMs: query.bucketMs })
  return query.since === undefined
    ? readByTime(reading, range)
    : readByPosition(reading, query.since)
}

function rangeOf(query: HistoryQuery, nowMs: number): Range {
  const problem = query.where && whereProblem(query.where)
  if (problem !== undefined) throw new ProtocolError('FILTER_INVALID', `The filter ${problem}.`)
  const { from, to = nowMs, since, until, bucketMs } = query
  if ((from === undefined) === (since === undefined)) {
    throw rangeInvalid('History is asked for either "from" a time or "since" a position.')
  }
  if (since !== undefined) {
    if (bucketMs !== undefined) throw rangeInvalid('Buckets go by time: give "from", not "since".')
    return { fromMs: arrivalOf(since), toMs: until === undefined ? nowMs : arrivalOf(until) + 1 }
  }
  const fromMs = from ?? 0
  if (fromMs >= to) throw rangeInvalid(`"from" (${fromMs}) must lie before "to" (${to}).`)
  if (to - fromMs > limits.historySpanMs) {
    throw rangeInvalid(`The span is ${to - fromMs} ms; at most ${limits.historySpanMs} ms.`)
  }
  return { fromMs, toMs: to }
}

function rangeInvalid(message: string): ProtocolError {
  return new ProtocolError('RANGE_INVALID', message)
}

/** The newest notes that fit. */
function fitting(notes: readonly Note[]): readonly Note[] {
  let bytes = 0
  const kept = [...notes].reverse().filter((note) => {
    bytes += sizeOf(note)
    return bytes <= NOTES_BYTES
  })
  return kept.reverse()
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1
}
