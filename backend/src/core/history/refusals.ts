import { arrivalOf, comparePositions, encodePosition, isDeviceTopic } from '../../protocol/index.ts'
import type { DeviceTopic, Refusals } from '../../protocol/index.ts'
import type { Reject } from '../telemetry/decode-record.ts'

/** What a device sent and nobody could use: part of its head, so small. */
export type RefusalRecord = Omit<Refusals, 'type' | 'topic'>

const EXAMPLE_CHARACTERS = 200
/** After so long without one a refusal begins a new count. */
const FORGOTTEN_MS = 3_600_000
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** The device that sent what was refused; undefined where its topic names none. */
export function refusedTopic({ topic }: Reject): DeviceTopic | undefined {
  const [root, site = '', device = '', last] = topic.split('/')
  const name = `${site}/${device}`
  return root === 'dt' && last === 'telemetry' && isDeviceTopic(name) ? name : undefined
}

/** The record after one more refusal; the same one when this was counted before (the stream gave it again). */
export function refusedOnce(known: RefusalRecord | undefined, reject: Reject): RefusalRecord {
  const position = encodePosition(reject.arrivalMs, reject.sequenceNumber)
  if (known && comparePositions(position, known.position) <= 0) return known
  const isOn = known && reject.arrivalMs - arrivalOf(known.position) < FORGOTTEN_MS
  const count = reject.count ?? 1
  return {
    position,
    reason: reject.reason,
    ...(reject.member === undefined ? {} : { member: reject.member }),
    ...(reject.found === undefined ? {} : { found: reject.found }),
    ...(reject.index === undefined ? {} : { index: reject.index }),
    ...(reject.byteOffset === undefined ? {} : { byteOffset: reject.byteOffset }),
    count: (isOn ? known.count : 0) + count,
    since: isOn ? known.since : reject.arrivalMs,
    last: reject.arrivalMs,
    example: exampleOf(reject.original),
  }
}

/** The first characters, as a person can read them: bytes that are no text as U+FFFD. */
function exampleOf(original: Uint8Array): string {
  const text = new TextDecoder().decode(original.subarray(0, 4 * EXAMPLE_CHARACTERS))
  const seen = text.replaceAll(UNPRINTABLE, '\ufffd')
  return seen.length > EXAMPLE_CHARACTERS ? `${seen.slice(0, EXAMPLE_CHARACTERS - 1)}…` : seen
}
