import { metrics as names, type StreamRecord } from '../../contract.ts'
import { decodeRecord, type Reject } from '../telemetry/decode-record.ts'
import {
  readFailure,
  type Failure,
  type FailureMessage,
  type RuleFailure,
} from './failure-message.ts'
import type { KeptRecord, OutgoingRecord, RedrivePorts } from './ports.ts'

/** Between attempts: doubled each time, up to the longest. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 3_000

/**
 * Brings what failed on its way to the dashboards back onto the stream: messages that a topic rule could not put there, and records that
 * `deliver` gave up on. A record gets one more run through `deliver` and is marked; what fails again goes to the Rejects table, so that
 * nothing runs in circles. Returns the ids of the messages to be tried again later. `deadlineMs`: epoch ms after which nothing is begun.
 */
export async function redrive(
  messages: readonly FailureMessage[],
  ports: RedrivePorts,
  deadlineMs: number,
): Promise<readonly string[]> {
  const all = [...messages]
    .sort((a, b) => a.sentMs - b.sentMs)
    .map((message) => ({ message, failure: readFailure(message) }))
  sayWhy(all, ports)
  const failed = await putRuleRecords(all, ports, deadlineMs)
  for (const { message, failure } of all) {
    if (failure.kind === 'rule') continue
    try {
      const isDone =
        failure.kind === 'unknown'
          ? await keep([undeliverable(message)], ports)
          : await redriveRange(failure, message, { ports, deadlineMs })
      if (!isDone) failed.push(message.messageId)
    } catch (error) {
      ports.log.warn('a given-up range waits', { messageId: message.messageId }, error)
      failed.push(message.messageId)
    }
  }
  return failed
}

interface Entry {
  readonly message: FailureMessage
  readonly failure: Failure
}

/** Once a batch for each reason: seconds later the message is gone, and with it what IoT Core said. */
function sayWhy(entries: readonly Entry[], { log }: RedrivePorts): void {
  const counts = new Map<string, { count: number; readonly reason: RuleFailure }>()
  for (const { failure } of entries) {
    if (failure.kind !== 'rule') continue
    const { reason } = failure
    const key = `${reason.action} ${reason.error}`
    const known = counts.get(key)
    if (known) known.count++
    else counts.set(key, { count: 1, reason })
  }
  for (const { count, reason } of counts.values())
    log.warn('a topic rule could not put messages on the stream', { count, ...reason })
}

/** All in one go, oldest first. Returns the ids of the messages whose record was not taken. */
async function putRuleRecords(
  entries: readonly Entry[],
  ports: RedrivePorts,
  deadlineMs: number,
): Promise<string[]> {
  const records = entries.flatMap(({ message: { messageId }, failure }) =>
    failure.kind === 'rule' ? [{ ...failure.record, messageId }] : [],
  )
  const left = await putPatiently(records, ports, deadlineMs)
  return left.map(({ messageId }) => messageId)
}

/** Puts a range's records back once; true when every one of them is on the stream again or kept in the Rejects table. */
async function redriveRange(
  { range, count }: Extract<Failure, { kind: 'delivery' }>,
  message: FailureMessage,
  { ports, deadlineMs }: { readonly ports: RedrivePorts; readonly deadlineMs: number },
): Promise<boolean> {
  let found = 0
  for await (const page of ports.stream.read(range)) {
    found += page.length
    const sorted = page.map(secondChance)
    await keep(
      sorted.flatMap((one) => ('reject' in one ? [one.reject] : [])),
      ports,
    )
    const again = sorted.flatMap((one) => ('reject' in one ? [] : [one]))
    if ((await putPatiently(again, ports, deadlineMs)).length > 0) return false
  }
  if (found >= count) return true
  ports.log.error('records are gone from the stream', { shardId: range.shardId, found, count })
  return keep([undeliverable(message)], ports)
}

/** The record marked as redriven, or why it gets no second chance. */
function secondChance(record: KeptRecord): OutgoingRecord | { readonly reject: Reject } {
  const decoded = decodeRecord(record)
  // What deliver would have put aside.
  if (decoded.kind === 'reject') return { reject: decoded.reject }
  const opened = JSON.parse(Buffer.from(record.data).toString('utf8')) as StreamRecord
  const { arrivalMs, sequenceNumber } = record
  if (opened.redriven !== undefined) {
    const { topic, clientId } = opened
    const original = Buffer.from(opened.data, 'base64')
    return {
      reject: { reason: 'UNDELIVERABLE', arrivalMs, sequenceNumber, topic, clientId, original },
    }
  }
  const marked: StreamRecord = { ...opened, redriven: 1, origin: { arrivalMs, sequenceNumber } }
  return { partitionKey: record.partitionKey, data: Buffer.from(JSON.stringify(marked)) }
}

/** The message itself: all that is left to look at. */
function undeliverable({ messageId, body, sentMs }: FailureMessage): Reject {
  return {
    reason: 'UNDELIVERABLE',
    arrivalMs: sentMs,
    sequenceNumber: messageId,
    topic: '',
    clientId: '',
    original: Buffer.from(body),
  }
}

async function keep(
  rejects: readonly Reject[],
  { rejects: table, metrics }: RedrivePorts,
): Promise<true> {
  if (rejects.length === 0) return true
  await table.write(rejects)
  metrics.count(names.readingsRejected, rejects.length)
  return true
}

/** Tries until everything is taken or the time is over; returns what was not taken. */
async function putPatiently<T extends OutgoingRecord>(
  records: readonly T[],
  { stream, clock, pause, metrics, log }: RedrivePorts,
  deadlineMs: number,
): Promise<readonly T[]> {
  let waiting = records
  let pauseMs = FIRST_PAUSE_MS
  while (waiting.length > 0) {
    try {
      waiting = await stream.put(waiting)
    } catch (error) {
      log.warn('the stream takes nothing', { records: waiting.length }, error)
    }
    if (waiting.length === 0 || clock.now() + pauseMs >= deadlineMs) break
    await pause(pauseMs)
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
  }
  const taken = records.length - waiting.length
  if (taken > 0) metrics.count(names.recordsRedriven, taken)
  return waiting
}
