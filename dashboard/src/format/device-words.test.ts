import { describe, expect, it } from 'vitest'
import { clockWords, refusalReason } from './device-words.ts'

const H = 3_600_000

describe('what is said of a device', () => {
  it.each([
    [undefined, undefined],
    [null, 'clock not set, shown by arrival time'],
    [600_000 - 5, 'clock 10 min ahead, shown by arrival time'],
    [-2 * H - 400, 'clock 2 h behind, shown by arrival time'],
    [-90_300, 'clock 1 min 30 s behind, shown by arrival time'],
    [-1.5 * H, 'clock 1 h 30 min behind, shown by arrival time'],
    [-26 * 365 * 24 * H, 'clock 9490 days behind, shown by arrival time'],
  ])('a clock that is %s ms off: %s', (offMs, words) => {
    expect(clockWords(offMs)).toBe(words)
  })

  it('names member, place and reason of what was refused', () => {
    const refused = {
      type: 'refused',
      topic: 'a/b',
      position: '',
      reason: 'VALUE_NOT_NUMBER',
      member: 't',
      found: 'a text',
      index: 137,
      count: 1,
      since: 0,
      last: 0,
      example: '',
    } as const
    expect(refusalReason(refused)).toBe(
      'reading 138 of its list: “t” is a text, no number (VALUE_NOT_NUMBER)',
    )
  })
})
