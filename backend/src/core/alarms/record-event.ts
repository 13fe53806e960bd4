import type { AlarmPush } from '../../protocol/index.ts'
import { toAlarmView } from './alarm-view.ts'
import type { AlarmFact, AlarmRecord, AlarmRecords } from './ports.ts'
import { pushAlarm, type PushPorts } from './push-alarm.ts'

/** Writers of the same alarm at the same time: people and other events. */
const ATTEMPTS = 5

export interface EventPorts extends PushPorts {
  readonly records: AlarmRecords
  readonly prefix: string
}

/**
 * Keeps a change of state and tells the watchers. EventBridge delivers at least once and in no order: an event that is not newer than what is
 * recorded changes nothing (`old`). A new ALARM needs a new acknowledgement.
 *
 * Throws when others keep changing the same record, so that the event is delivered again.
 */
export async function recordEvent(
  fact: AlarmFact,
  ports: EventPorts,
): Promise<{ readonly outcome: 'recorded' | 'old'; readonly told: number }> {
  const record = await store(fact, ports.records)
  if (!record) return { outcome: 'old', told: 0 }
  const { alarm, since: at, state, reason } = fact
  await ports.records.append(alarm, { at, kind: 'state', text: `${state}: ${reason}` })
  const nowMs = ports.clock.now()
  const view = toAlarmView(fact, record, { prefix: ports.prefix, nowMs })
  const push: AlarmPush = { type: 'alarm', alarm: view, revision: await ports.records.bump() }
  return { outcome: 'recorded', told: await pushAlarm(push, ports) }
}

async function store(fact: AlarmFact, records: AlarmRecords): Promise<AlarmRecord | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = (await records.find(fact.alarm)) ?? { alarm: fact.alarm, revision: 0, notes: [] }
    if (before.fact && before.fact.since >= fact.since) return undefined
    const record = afterEvent(before, fact)
    if ((await records.replace(record, before.revision)) === 'replaced') return record
  }
  throw new Error(`${fact.alarm}: the record kept changing`)
}

function afterEvent(before: AlarmRecord, fact: AlarmFact): AlarmRecord {
  const { acknowledgedBy, acknowledgedAt, ...rest } = before
  const keepsAck = fact.state !== 'ALARM' && acknowledgedBy !== undefined
  return {
    ...rest,
    ...(keepsAck ? { acknowledgedBy } : {}),
    ...(keepsAck && acknowledgedAt !== undefined ? { acknowledgedAt } : {}),
    fact,
    revision: before.revision + 1,
  }
}
