import { columns, number } from '../report/table.ts'
import { durationText } from '../scenario/duration.ts'
import type { Plan, QuotaCheck } from './plan.ts'
import { prices, pricesAsOf } from './prices.ts'
import { quotas } from './quotas.ts'

/** A plan for people. */
export function planText(plan: Plan): string {
  const { seconds, devices, readings, rampSeconds, openFiles, shards } = plan
  const length = seconds === null ? 'until it is stopped' : durationText(seconds * 1_000)
  const mb = Math.round(plan.memoryBytes / 2 ** 20)
  const sections = [
    [
      `${plan.name}: ${number(devices)} devices, ${length}, ${number(readings)} readings of about ${plan.bytesPerMessage} bytes${seconds === null ? ' an hour' : ''}`,
    ],
    stageLines(plan),
    [
      `ramp       ${durationText(rampSeconds * 1_000)} until all devices of the first stage are connecting`,
      `machine    about ${number(mb)} MB of memory and ${number(openFiles)} open files (see ulimit -n)`,
      `stream     ${shards} ${shards === 1 ? 'shard' : 'shards'} of Kinesis`,
    ],
    ['quotas of AWS IoT Core (defaults of an account)', ...quotaLines(plan.quotas)],
    costLines(plan),
  ]
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function stageLines({ stages }: Plan): string[] {
  const rows = stages.map((stage) => [
    stage.name,
    stage.seconds === null ? '' : durationText(stage.seconds * 1_000),
    stage.fromDevices === stage.toDevices
      ? number(stage.toDevices)
      : `${number(stage.fromDevices)} → ${number(stage.toDevices)}`,
    number(stage.readingsPerSecond),
    number(stage.bytesPerSecond / 1e6),
  ])
  return columns([['stage', 'takes', 'devices', 'readings/s', 'MB/s'], ...rows], {
    isNumeric: true,
  })
}

function quotaLines(checks: readonly QuotaCheck[]): string[] {
  const lines = columns(
    checks.map(({ quota, used, limit }) => [
      `${number(used)} of ${number(limit)}`,
      quotas[quota].text,
    ]),
  )
  return lines.map((line, index) => {
    const check = checks[index]
    if (check?.isKept !== false) return `✓ ${line}`
    const wayOut = quotas[check.quota].isAdjustable
      ? 'ask AWS to raise it'
      : 'it cannot be raised: send less often or spread the load'
    return `✗ ${line}; ${wayOut}`
  })
}

function costLines({ cost, seconds }: Plan): string[] {
  const rows = cost.lines.map(({ billed, units, dollars }) => [
    `$${dollars.toFixed(4)}`,
    `${Number(units.toPrecision(3)).toLocaleString('en')} × ${prices[billed].unit}`,
  ])
  const what = seconds === null ? 'An hour' : 'The run'
  return [
    `${what} on AWS: about $${cost.dollars.toFixed(2)} by list prices of ${pricesAsOf} (us-east-1), as docs/cost.md counts`,
    ...columns(rows).map((line) => `  ${line}`),
  ]
}
