import type { AlarmView } from '@gaugeline/backend/protocol'
import type { ComputedRef } from 'vue'
import type { Mark } from '../format/marks.ts'
import { useApp } from './use-app.ts'
import { isSameList, useLook } from './use-look.ts'

export type AlarmGroup = 'open' | 'acknowledged' | 'shelved' | 'unknown' | 'quiet'

/** In the order in which they stand. */
export const alarmGroupWords: Readonly<Record<AlarmGroup, string>> = {
  open: 'Open',
  acknowledged: 'Acknowledged',
  shelved: 'Shelved',
  unknown: 'Not enough data',
  quiet: 'OK',
}

export interface AlarmRow extends AlarmView {
  /** What is wrong, and what it means for people: the alarm's description is `what | impact`. */
  readonly what: string
  readonly impact: string
  readonly group: AlarmGroup
  readonly mark: Mark
  readonly severityWord: string
}

const severityWords = { P1: 'Critical', P2: 'Critical', P3: 'Warning', P4: 'Info' } as const
const groupOrder: Readonly<Record<AlarmGroup, number>> = {
  open: 0,
  acknowledged: 1,
  shelved: 2,
  unknown: 3,
  quiet: 4,
}

/** Which list an alarm belongs to at `now`: shelved ones stay countable, whatever their state. */
export function alarmGroup(alarm: AlarmView, now: number): AlarmGroup {
  if (alarm.shelvedUntil !== undefined && alarm.shelvedUntil > now) return 'shelved'
  if (alarm.state === 'INSUFFICIENT_DATA') return 'unknown'
  if (alarm.state === 'OK') return 'quiet'
  return alarm.acknowledgedBy === undefined ? 'open' : 'acknowledged'
}

/** CloudWatch names are kebab-case; people read sentences. */
function sentence(title: string): string {
  const isName = !title.includes(' ')
  const words = isName ? title.replaceAll('-', ' ').replace(/\bjwks\b/, 'JWKS') : title
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

function markOf(alarm: AlarmView, group: AlarmGroup): Mark {
  if (group === 'quiet') return 'normal'
  if (group === 'unknown' || group === 'shelved') return 'stale'
  if (alarm.severity === 'P1' || alarm.severity === 'P2') return 'critical'
  return alarm.severity === 'P3' ? 'warning' : 'info'
}

/**
 * All alarms: unacknowledged first, then by severity, then the newest change. The same list as long as none of them changes; so is each
 * row.
 */
export function useAlarms(): ComputedRef<readonly AlarmRow[]> {
  const { telemetry } = useApp()
  const held = new Map<string, { readonly of: AlarmView; readonly row: AlarmRow }>()
  function rowOf(alarm: AlarmView, group: AlarmGroup): AlarmRow {
    const known = held.get(alarm.alarm)
    if (known?.of === alarm && known.row.group === group) return known.row
    const row = alarmRow(alarm, group)
    held.set(alarm.alarm, { of: alarm, row })
    return row
  }
  function read(): readonly AlarmRow[] {
    const now = telemetry.serverNow()
    const rows = [...telemetry.alarms.values()].map((alarm) => rowOf(alarm, alarmGroup(alarm, now)))
    return rows.sort(worstFirst)
  }
  return useLook(read, { isSame: isSameList })
}

function alarmRow(alarm: AlarmView, group: AlarmGroup): AlarmRow {
  const [what = '', ...rest] = alarm.description.split('|').map((part) => part.trim())
  return {
    ...alarm,
    title: sentence(alarm.title),
    what,
    impact: rest.join(' '),
    severityWord: severityWords[alarm.severity],
    group,
    mark: markOf(alarm, group),
  }
}

function worstFirst(a: AlarmRow, b: AlarmRow): number {
  return (
    groupOrder[a.group] - groupOrder[b.group] ||
    a.severity.localeCompare(b.severity) ||
    b.since - a.since ||
    a.title.localeCompare(b.title)
  )
}
