/** State of an alarm. */
export type StateValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'

/** What an evaluation says: a state, or `keep` the one there is. */
export type Verdict = StateValue | 'keep'

export type TreatMissingData = 'missing' | 'ignore' | 'breaching' | 'notBreaching'

export interface VerdictRule {
  /** N. */
  readonly evaluationPeriods: number
  /** M. */
  readonly datapointsToAlarm: number
  readonly treatMissingData: TreatMissingData
}

/** One period: true = breaching, false = not, undefined = no data. */
export type Point = boolean | undefined

/** CloudWatch looks at more periods than N (CW-6: N = 3 → 5). */
export const EXTRA_PERIODS = 2

/**
 * The verdict of the CloudWatch guide on an evaluation range, oldest point first (CW-6–CW-20).
 */
export function verdictOn(points: readonly Point[], rule: VerdictRule): Verdict {
  const real = points.filter((point) => point !== undefined)
  if (real.length === 0) return verdictOnNothing(rule.treatMissingData)
  const { evaluationPeriods: n, datapointsToAlarm: m, treatMissingData } = rule
  if (real.length >= n) return breachingIn(real.slice(-n)) >= m ? 'ALARM' : 'OK'
  const breaching = breachingIn(real)
  if (breaching >= m) return 'ALARM'
  // CW-7: gaps are filled as few times as possible.
  if (treatMissingData === 'breaching') return breaching + (n - real.length) >= m ? 'ALARM' : 'OK'
  if (treatMissingData === 'notBreaching' || breaching < real.length) return 'OK'
  // CW-20: every point there is breaches, but there are fewer than M: an alarm only when the oldest is at least M old.
  const age = points.length - points.indexOf(true)
  return treatMissingData === 'missing' && age >= m ? 'ALARM' : 'keep'
}

/** CW-9. */
function verdictOnNothing(treatMissingData: TreatMissingData): Verdict {
  switch (treatMissingData) {
    case 'missing':
      return 'INSUFFICIENT_DATA'
    case 'ignore':
      return 'keep'
    case 'breaching':
      return 'ALARM'
    case 'notBreaching':
      return 'OK'
  }
}

function breachingIn(points: readonly Point[]): number {
  return points.filter((point) => point === true).length
}
