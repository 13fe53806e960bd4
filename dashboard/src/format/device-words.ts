import type { Refusals } from '@gaugeline/backend/protocol'
import { formatSpan } from './times.ts'

/** What is said of a clock that is off; undefined of one that is right. `offMs`: ahead, negative: behind, null: not set. */
export function clockWords(offMs: number | null | undefined): string | undefined {
  if (offMs === undefined) return undefined
  const how =
    offMs === null ? 'not set' : `${formatSpan(Math.abs(offMs))} ${offMs > 0 ? 'ahead' : 'behind'}`
  return `clock ${how}, shown by arrival time`
}

const sentences: Readonly<Record<string, string>> = {
  PAYLOAD_EMPTY: 'the payload is empty',
  PAYLOAD_TOO_LARGE: 'the payload is larger than 128 KB',
  PAYLOAD_NOT_UTF8: 'the payload is no text (UTF-8)',
  PAYLOAD_TOO_DEEP: 'its objects and lists are nested too deep',
  PAYLOAD_NOT_OBJECT: 'there is no value in it',
  DUPLICATE_KEY: 'a name stands twice in one object',
  TOO_MANY_READINGS: 'more than 500 readings in a list',
  TOO_MANY_FIELDS: 'more than 64 metrics in a reading',
}

/** Why a payload was refused, in a person's words, with the reason that docs/telemetry.md explains. */
export function refusalReason(refused: Refusals): string {
  const { reason, member, found, index, byteOffset } = refused
  const where = index === undefined ? '' : `reading ${index + 1} of its list: `
  return `${where}${sentenceOf({ reason, member, found, byteOffset })} (${reason})`
}

function sentenceOf({
  reason,
  member,
  found,
  byteOffset,
}: Partial<Record<'member' | 'found', string | undefined>> & {
  readonly reason: string
  readonly byteOffset?: number | undefined
}): string {
  if (reason === 'PAYLOAD_NOT_JSON') return `it is no JSON from byte ${byteOffset ?? 0} on`
  if (reason === 'VALUE_NOT_NUMBER')
    return `“${member ?? ''}” is ${found ?? 'something'}, no number`
  if (reason === 'VALUE_NOT_FINITE') return `“${member ?? ''}” is larger than a number can be`
  if (member !== undefined) return `“${member}” cannot be used`
  return sentences[reason] ?? 'it cannot be used'
}

/** How many payloads were refused, for the fleet. */
export function refusalCount({ count }: Refusals): string {
  return count === 1 ? '1 refused' : `${count} refused`
}
