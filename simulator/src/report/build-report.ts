import type { FaultLabel } from '../faults/fault-run.ts'
import type { MetricName } from '../metrics/catalog.ts'
import type { Figures, Latencies } from '../metrics/figures.ts'
import type { RunResult } from '../run/run-scenario.ts'
import type { Scenario } from '../scenario/schema.ts'
import { deviceTotal, plannedMs } from '../scenario/shape.ts'
import type { Threshold } from '../thresholds/thresholds.ts'
import { wayOutOf } from '../transport/connect-failure.ts'
import type { LoadReport } from './schema.ts'
import { judge } from './verdict.ts'

/** The report of a run: verdict, thresholds, accounting, latencies, connects, faults and what it took. */
export function buildReport(
  result: RunResult,
  run: {
    readonly scenario: Scenario
    readonly thresholds: readonly Threshold[]
    readonly target: string
    readonly command: string
  },
): LoadReport {
  const { scenario } = run
  const { figures, resources, seconds } = result
  const planned = plannedMs(scenario)
  const verdict = judge({
    ...run,
    ...result,
    maxLagMs: scenario.generator.maxLag,
    devices: deviceTotal(scenario),
    plannedMs: planned,
    unreachable: unreachable(run.target, result.failures),
  })
  return {
    format: 'gaugeline.load-report',
    version: 2,
    verdict: verdict.name,
    reason: verdict.reason,
    exitCode: verdict.exitCode,
    scenario: {
      name: scenario.name,
      seed: scenario.seed,
      devices: deviceTotal(scenario),
      plannedSeconds: planned === undefined ? null : planned / 1_000,
    },
    target: run.target,
    startedAt: new Date(result.startedMs).toISOString(),
    seconds: round(seconds),
    thresholds: verdict.thresholds.map(({ threshold, isMet, actual }) => ({
      metric: threshold.metric,
      expr: threshold.text,
      isMet,
      actual: actual === undefined ? null : round(actual),
      isDefault: threshold.isDefault,
    })),
    accounting: accountingOf(figures),
    latencies: latenciesOf(figures),
    connects: {
      succeeded: result.connects,
      failed: Object.fromEntries(result.failures),
      lost: countOf(figures, 'connections.lost'),
    },
    commands: result.commands,
    faults: faultsOf(result.labels),
    verify: verifyOf(figures, result.observed),
    resources,
    command: run.command,
  }
}

function accountingOf(figures: Figures): LoadReport['accounting'] {
  const [missing, dropped, buffered] = [
    countOf(figures, 'messages.missing'),
    countOf(figures, 'messages.dropped'),
    countOf(figures, 'messages.buffered'),
  ]
  return {
    planned: countOf(figures, 'messages.planned'),
    due: countOf(figures, 'messages.due'),
    acknowledged: countOf(figures, 'messages.acknowledged'),
    missing,
    dropped,
    buffered,
    unaccounted: missing - dropped - buffered,
  }
}

function countOf(figures: Figures, name: MetricName): number {
  const figure = figures[name]
  return figure?.kind === 'count' ? figure.count : 0
}

function latenciesOf(figures: Figures): LoadReport['latencies'] {
  const rows: LoadReport['latencies'] = {}
  for (const [name, figure] of Object.entries(figures)) {
    if (figure.kind !== 'latency' || figure.latencies.count === 0) continue
    rows[name] = percentilesOf(figure.latencies)
  }
  return rows
}

function percentilesOf(latencies: Latencies): LoadReport['latencies'][string] {
  const at = (percent: number): number => round(latencies.percentile(percent))
  return {
    count: latencies.count,
    minMs: round(latencies.min),
    meanMs: round(latencies.mean),
    p50Ms: at(50),
    p90Ms: at(90),
    p95Ms: at(95),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: round(latencies.max),
  }
}

function faultsOf(labels: readonly FaultLabel[]): LoadReport['faults'] {
  const kinds = new Map<string, { kind: string; devices: number; effects: number }>()
  for (const { kind, effects } of labels) {
    const row = kinds.get(kind) ?? { kind, devices: 0, effects: 0 }
    kinds.set(kind, { kind, devices: row.devices + 1, effects: row.effects + effects })
  }
  return [...kinds.values()]
}

function verifyOf(figures: Figures, observed: number | undefined): LoadReport['verify'] {
  if (observed === undefined) return null
  return {
    acknowledged: observed,
    missing: countOf(figures, 'e2e.missing'),
    unverified: countOf(figures, 'e2e.unverified'),
    recovered: countOf(figures, 'e2e.recovered'),
    duplicate: countOf(figures, 'e2e.duplicate'),
  }
}

function unreachable(target: string, failures: ReadonlyMap<string, number>): string {
  const [first] = [...failures].sort(([, a], [, b]) => b - a)
  const reason = first?.[0] ?? 'no answer'
  return `nothing could connect to ${target}: ${reason}; ${wayOutOf(reason)}`
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
