import type { AlarmEntry, AlarmFact, AlarmRecord, AlarmRecords, AlarmWatchers } from './ports.ts'

export const factOf = (change: Partial<AlarmFact> = {}): AlarmFact => ({
  alarm: 'Gaugeline-deliver-errors',
  description: 'P2 | deliver fails | charts stand still | Runbook: docs/runbook.md#deliver-errors',
  state: 'OK',
  reason: 'all quiet',
  since: Date.UTC(2026, 0, 1),
  ...change,
})

/** Alarm records in memory; pass the same contract suite as DynamoDB's (test/contract). */
export function memoryAlarms(): AlarmRecords {
  const records = new Map<string, AlarmRecord>()
  const entries = new Map<string, AlarmEntry[]>()
  let revision = 0
  return {
    all: () => Promise.resolve([...records.values()]),
    find: (alarm) => Promise.resolve(records.get(alarm)),
    replace(record, before) {
      if ((records.get(record.alarm)?.revision ?? 0) !== before) return Promise.resolve('conflict')
      records.set(record.alarm, record)
      entries.set(record.alarm, [record.last, ...(entries.get(record.alarm) ?? [])])
      return Promise.resolve('replaced')
    },
    history: (alarm, limit) =>
      Promise.resolve([...(entries.get(alarm) ?? [])].sort((a, b) => b.at - a.at).slice(0, limit)),
    bump: () => Promise.resolve(++revision),
    current: () => Promise.resolve(revision),
  }
}

/** Watchers in memory; pass the same contract suite as DynamoDB's. */
export function memoryWatchers(): AlarmWatchers {
  const ends = new Map<string, number>()
  return {
    add(id, expiresAt) {
      ends.set(id, expiresAt)
      return Promise.resolve()
    },
    renew(id, expiresAt) {
      if (ends.has(id)) ends.set(id, expiresAt)
      return Promise.resolve()
    },
    all: (nowMs) =>
      Promise.resolve([...ends].filter(([, end]) => end * 1_000 > nowMs).map(([id]) => id)),
    remove(id) {
      ends.delete(id)
      return Promise.resolve()
    },
  }
}
