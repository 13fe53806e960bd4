import { isMetricName, metrics } from '../metrics/catalog.ts'
import { durationText } from '../scenario/duration.ts'
import type { LoadReport } from './schema.ts'
import { columns, number } from './table.ts'

/** The report for people: the verdict first. `paint` may colour a word that is good or bad. */
export function reportText(
  report: LoadReport,
  paint: (text: string, isGood: boolean) => string = (text) => text,
): string {
  const { verdict, scenario } = report
  const head = `${paint(verdict, verdict === 'PASS')}  ${scenario.name}: ${report.reason}`
  const sections = [
    [head],
    thresholdLines(report, paint),
    accountingLines(report),
    latencyLines(report),
    connectLines(report),
    faultLines(report),
    resourceLines(report),
    [`repeat     ${report.command}`],
  ]
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function thresholdLines(
  { thresholds, verdict }: LoadReport,
  paint: (text: string, isGood: boolean) => string,
): string[] {
  const rows = thresholds.map(({ metric, expr, actual, isDefault }) => [
    metric,
    expr,
    `${actual === null ? 'nothing was measured' : actualText(metric, actual)}${isDefault ? '  (of every run)' : ''}`,
  ])
  const lines = columns(rows).map((line, index) => {
    const isMet = thresholds[index]?.isMet === true
    return `${paint(isMet ? '✓' : '✗', isMet)} ${line}`
  })
  return verdict === 'INVALID' && lines.length > 0
    ? [...lines, 'The run cannot be believed: what these lines say of the broker is void.']
    : lines
}

function actualText(metric: string, actual: number): string {
  const isLatency = isMetricName(metric) && metrics[metric].kind === 'latency'
  return isLatency ? durationText(actual) : number(actual)
}

function accountingLines({ accounting, seconds, verify }: LoadReport): string[] {
  const { due, acknowledged, missing, dropped, buffered, unaccounted } = accounting
  const parts = [
    [dropped, 'dropped by full buffers'],
    [buffered, 'still buffered'],
    [unaccounted, 'unaccounted for'],
  ] as const
  const why = parts
    .filter(([count]) => count !== 0)
    .map(([count, what]) => `${number(count)} ${what}`)
  const lines = [
    `readings   ${number(due)} due = ${number(acknowledged)} acknowledged + ${number(missing)} missing${why.length > 0 ? ` (${why.join(', ')})` : ''}`,
    `           ${number(acknowledged / seconds)} acknowledged/s over ${durationText(seconds * 1_000)}`,
  ]
  if (verify) {
    const seen = verify.acknowledged - verify.missing - verify.recovered - verify.unverified
    const unknown = verify.unverified > 0 ? ` + ${number(verify.unverified)} not looked up` : ''
    lines.push(
      `delivered  ${number(verify.acknowledged)} acknowledged of the sample = ${number(seen)} pushed + ${number(verify.recovered)} only in the history + ${number(verify.missing)} missing${unknown}; ${number(verify.duplicate)} came twice`,
    )
  }
  return lines
}

function latencyLines({ latencies }: LoadReport): string[] {
  const rows = Object.entries(latencies).map(([name, row]) => [
    name,
    ...[row.p50Ms, row.p90Ms, row.p95Ms, row.p99Ms, row.p999Ms, row.maxMs].map(number),
    number(row.count),
  ])
  if (rows.length === 0) return []
  const head = ['latency, ms', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max', 'count']
  return columns([head, ...rows], { isNumeric: true })
}

function connectLines({ connects }: LoadReport): string[] {
  const lines = [
    `connects   ${number(connects.succeeded)} accepted, ${number(connects.lost)} lost later`,
  ]
  for (const [reason, count] of Object.entries(connects.failed)) {
    lines.push(`           ${number(count)} failed: ${reason}`)
  }
  return lines
}

function faultLines({ faults }: LoadReport): string[] {
  return faults.map(({ kind, devices, effects }, index) => {
    const what = ['blackout', 'flap', 'reconnect-storm'].includes(kind) ? 'cuts' : 'readings'
    return `${index === 0 ? 'faults    ' : '          '} ${kind} on ${number(devices)} ${devices === 1 ? 'device' : 'devices'}, ${number(effects)} ${what}`
  })
}

function resourceLines({ resources, scenario }: LoadReport): string[] {
  const { cpuSeconds, cpuPercent, peakMemoryBytes, memoryBytesPerDevice } = resources
  const perDevice = scenario.devices >= 100 ? `, ${kb(memoryBytesPerDevice)} a device` : ''
  return [
    `generator  ${cpuPercent} % of one processor (${number(cpuSeconds)} s), ${Math.round(peakMemoryBytes / 2 ** 20)} MB${perDevice}; seed ${scenario.seed}, Node ${resources.node}, ${resources.processors} processors`,
  ]
}

const kb = (bytes: number): string => `${number(Math.round(bytes / 1_024))} KB`
