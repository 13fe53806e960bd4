import type { AlarmView } from '@gaugeline/backend/protocol'
import { computed, type ComputedRef } from 'vue'
import type { Mark } from '../format/marks.ts'
import { useApp } from './use-app.ts'
import { useTick } from './use-tick.ts'

export type AlarmGroup = 'open' | 'acknowledged' | 'shelved' | 'unknown' | 'quiet'

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

/** All alarms: unacknowledged first, then by severity, then the newest change. */
export function useAlarms(): ComputedRef<AlarmRow[]> {
  const { telemetry } = useApp()
  const tick = useTick()
  return computed(() => {
    tick()
    const now = telemetry.serverNow()
    const rows = [...telemetry.alarms.values()].map((alarm) => {
      const group = alarmGroup(alarm, now)
      const severityWord = severityWords[alarm.severity]
      const title = sentence(alarm.title)
      const [what = '', ...rest] = alarm.description.split('|').map((part) => part.trim())
      const words = { title, what, impact: rest.join(' '), severityWord }
      return { ...alarm, ...words, group, mark: markOf(alarm, group) }
    })
    return rows.sort(
      (a, b) =>
        groupOrder[a.group] - groupOrder[b.group] ||
        a.severity.localeCompare(b.severity) ||
        b.since - a.since ||
        a.title.localeCompare(b.title),
    )
  })
}
