import type { AlarmSeverity, AlarmView } from '../../protocol/index.ts'
import type { AlarmFact, AlarmRecord } from './ports.ts'

/**
 * An alarm as the dashboard shows it. The state is the newer one of CloudWatch's answer and the last event; a shelving that has run out is
 * none. The description is `P2 | what | impact | Runbook: address` (docs/runbook.md).
 */
export function toAlarmView(
  fact: AlarmFact,
  record: AlarmRecord | undefined,
  options: { readonly prefix: string; readonly nowMs: number },
): AlarmView {
  const latest = record?.fact && record.fact.since > fact.since ? record.fact : fact
  const { shelvedUntil, shelvedBy, acknowledgedBy, acknowledgedAt } = record ?? {}
  const shelved = shelvedUntil !== undefined && shelvedUntil > options.nowMs
  return {
    alarm: fact.alarm,
    title: titleOf(fact.alarm, options.prefix),
    ...readDescription(fact.description),
    state: latest.state,
    reason: latest.reason,
    since: latest.since,
    revision: record?.revision ?? 0,
    ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
    ...(acknowledgedAt === undefined ? {} : { acknowledgedAt }),
    ...(shelved ? { shelvedUntil } : {}),
    ...(shelved && shelvedBy !== undefined ? { shelvedBy } : {}),
    notes: record?.notes ?? [],
  }
}

const titleOf = (alarm: string, prefix: string): string =>
  alarm.startsWith(prefix) ? alarm.slice(prefix.length).replace(/^[-_\s]+/, '') : alarm

function readDescription(text: string): {
  readonly severity: AlarmSeverity
  readonly description: string
  readonly runbook: string
} {
  const parts = text.split('|').map((part) => part.trim())
  const severity = /^P[1-4]$/.exec(parts[0] ?? '')?.[0] as AlarmSeverity | undefined
  const runbook = parts.find((part) => /^runbook:/i.test(part))
  const rest = parts.filter((part, at) => part !== runbook && !(at === 0 && severity))
  return {
    severity: severity ?? 'P3',
    description: rest.join(' | '),
    runbook: runbook?.replace(/^runbook:\s*/i, '') ?? '',
  }
}
