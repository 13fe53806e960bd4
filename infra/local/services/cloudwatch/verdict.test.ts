import { describe, expect, it } from 'vitest'
import { verdictOn } from './verdict.ts'
import type { Point, TreatMissingData, Verdict } from './verdict.ts'

const COLUMNS: readonly TreatMissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching']
const SHORT: Readonly<Record<string, Verdict>> = {
  O: 'OK',
  A: 'ALARM',
  I: 'INSUFFICIENT_DATA',
  k: 'keep',
}

/** Item, M of 3, points oldest first, verdicts for missing, ignore, breaching, notBreaching. */
const TABLE: readonly (readonly [item: string, m: number, points: string, verdicts: string])[] = [
  ['CW-10', 3, '0-X-X', 'OOOO'],
  ['CW-11', 3, '0----', 'OOOO'],
  ['CW-12', 3, '-----', 'IkAO'],
  ['CW-13', 3, '0XX-X', 'AAAA'],
  ['CW-14', 3, '--X--', 'AkAO'],
  ['CW-15', 2, '0-X-X', 'AAAA'],
  ['CW-16', 2, '00X0X', 'AAAA'],
  ['CW-17', 2, '0-X--', 'OOAO'],
  ['CW-18', 2, '----0', 'OOAO'],
  ['CW-19', 2, '---X-', 'AkAO'],
  ['CW-20', 3, '----X', 'kkAO'],
  ['CW-20', 3, '---X-', 'kkAO'],
]

function pointsOf(text: string): readonly Point[] {
  return Array.from(text, (character) => (character === '-' ? undefined : character === 'X'))
}

describe('the verdict on an evaluation range', () => {
  for (const [item, m, points, verdicts] of TABLE) {
    for (const [index, treatMissingData] of COLUMNS.entries()) {
      const expected = SHORT[verdicts.charAt(index)]
      it(`${item}: ${m} of 3, ${points}, ${treatMissingData} is ${String(expected)}`, () => {
        const rule = { evaluationPeriods: 3, datapointsToAlarm: m, treatMissingData }
        expect(verdictOn(pointsOf(points), rule)).toBe(expected)
      })
    }
  }

  it('CW-4: breaching points of M of N need not be adjacent', () => {
    const rule = {
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      treatMissingData: 'notBreaching',
    } as const
    expect(verdictOn(pointsOf('00X0X0X'), rule)).toBe('ALARM')
    expect(verdictOn(pointsOf('X000X0X'), rule)).toBe('OK')
  })
})
