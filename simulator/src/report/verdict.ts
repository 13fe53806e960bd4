import type { Figures } from '../metrics/figures.ts'
import type { Ending } from '../run/run-scenario.ts'
import { durationText } from '../scenario/duration.ts'
import { generatorProblem } from './generator-problem.ts'
import { evaluate, type Threshold, type ThresholdResult } from '../thresholds/thresholds.ts'

/**
 * PASS: everything that was asked for holds. FAIL: a threshold does not. INVALID: the generator was too slow or made another load, so
 * its figures are not the broker's. INTERRUPTED: stopped before the planned end. UNREACHABLE: nothing ever connected.
 */
export type VerdictName = 'PASS' | 'FAIL' | 'INVALID' | 'INTERRUPTED' | 'UNREACHABLE'

export interface Verdict {
  readonly name: VerdictName
  readonly exitCode: number
  /** One sentence. */
  readonly reason: string
  readonly thresholds: readonly ThresholdResult[]
}

/** As k6 (99) and as CI needs them; docs/simulator.md has the table. */
const exitCodes: Readonly<Record<VerdictName, number>> = {
  PASS: 0,
  UNREACHABLE: 3,
  INVALID: 98,
  FAIL: 99,
  INTERRUPTED: 130,
}

export function judge(run: {
  readonly ending: Ending
  readonly figures: Figures
  readonly thresholds: readonly Threshold[]
  readonly maxLagMs: number
  readonly devices: number
  readonly seconds: number
  /** Undefined: the run had no planned end, so that stopping it is its end. */
  readonly plannedMs: number | undefined
  /** Why nothing connected. */
  readonly unreachable: string
}): Verdict {
  const thresholds = run.thresholds.map((threshold) => evaluate(threshold, run.figures))
  const failed = thresholds.filter(({ isMet }) => !isMet)
  const verdict = (name: VerdictName, reason: string): Verdict => ({
    name,
    reason,
    exitCode: exitCodes[name],
    thresholds,
  })
  if (run.ending === 'unreachable') return verdict('UNREACHABLE', run.unreachable)
  const problem = generatorProblem({ ...run, thresholds })
  if (problem !== undefined) return verdict('INVALID', problem)
  const names = [...new Set(failed.map(({ threshold }) => threshold.metric))].join(', ')
  const broken = `${failed.length} of ${countOf(thresholds)} broken: ${names}`
  if (run.ending === 'interrupted' && run.plannedMs !== undefined) {
    const so = failed.length > 0 ? `; by then ${broken}` : ''
    return verdict(
      'INTERRUPTED',
      `stopped after ${durationText(run.seconds * 1_000)} of ${durationText(run.plannedMs)}${so}`,
    )
  }
  if (failed.length > 0) {
    const early = run.ending === 'aborted' ? `, ended early by abortOnFail` : ''
    return verdict('FAIL', `${broken}${early}`)
  }
  return verdict('PASS', `${countOf(thresholds)} held`)
}

function countOf(thresholds: readonly unknown[]): string {
  return thresholds.length === 1 ? '1 threshold' : `${thresholds.length} thresholds`
}
