import type { Refusals } from '@gaugeline/backend/protocol'

/** What is said of a clock that is off; undefined of one that is right. `offMs`: ahead, negative: behind, null: not set. */
export function clockWords(offMs: number | null | undefined): string | undefined {
  if (offMs === undefined) return undefined
  const how =
    offMs === null ? 'not set' : `${aboutSpan(Math.abs(offMs))} ${offMs > 0 ? 'ahead' : 'behind'}`
  return `clock ${how}, shown by arrival time`
}

/** A span that jitters by the time of the way: in whole seconds, from an hour on in minutes, from two days on in days. */
function aboutSpan(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return joined([Math.floor(seconds / 60), 'min'], [seconds % 60, 's'])
  const minutes = Math.round(seconds / 60)
  if (minutes < 2 * 1_440) return joined([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min'])
  return `${Math.round(minutes / 1_440)} days`
}

function joined(...parts: readonly (readonly [number, string])[]): string {
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
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
