import type { AlarmPush } from '../../protocol/index.ts'
import { toAlarmView } from './alarm-view.ts'
import type { AlarmEntry, AlarmFact, AlarmRecord, AlarmRecords } from './ports.ts'
import { pushAlarm, type PushPorts } from './push-alarm.ts'

/** Writers of the same alarm at the same time: people and other events. */
const ATTEMPTS = 5

export interface EventPorts extends PushPorts {
  readonly records: AlarmRecords
  readonly prefix: string
}

/**
 * Keeps a change of state with its history line, then tells the watchers. EventBridge delivers at least once and in no order: an event older
 * than what is recorded changes nothing (`old`); one that is recorded already is told again (`repeated`), because the first attempt may have
 * failed between the two. A new ALARM needs a new acknowledgement.
 *
 * Throws when others keep changing the same record, and when the watchers cannot be told, so that the event is delivered again.
 */
export async function recordEvent(
  fact: AlarmFact,
  ports: EventPorts,
): Promise<{ readonly outcome: 'recorded' | 'repeated' | 'old'; readonly told: number }> {
  const { outcome, record } = await store(fact, ports.records)
  if (outcome === 'old') return { outcome, told: 0 }
  const nowMs = ports.clock.now()
  const view = toAlarmView(fact, record, { prefix: ports.prefix, nowMs })
  const push: AlarmPush = { type: 'alarm', alarm: view, revision: await ports.records.bump() }
  return { outcome, told: await pushAlarm(push, ports) }
}

interface Stored {
  readonly outcome: 'recorded' | 'repeated' | 'old'
  readonly record: AlarmRecord
}

async function store(fact: AlarmFact, records: AlarmRecords): Promise<Stored> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = (await records.find(fact.alarm)) ?? { alarm: fact.alarm, revision: 0, notes: [] }
    if (before.fact && before.fact.since >= fact.since) {
      const { since, state } = before.fact
      const isSame = since === fact.since && state === fact.state
      return { outcome: isSame ? 'repeated' : 'old', record: before }
    }
    const record = afterEvent(before, fact)
    if ((await records.replace(record, before.revision)) === 'replaced') {
      return { outcome: 'recorded', record }
    }
  }
  throw new Error(`${fact.alarm}: the record kept changing`)
}

function afterEvent(
  before: AlarmRecord,
  fact: AlarmFact,
): AlarmRecord & { readonly last: AlarmEntry } {
  const { acknowledgedBy, acknowledgedAt, ...rest } = before
  const keepsAck = fact.state !== 'ALARM' && acknowledgedBy !== undefined
  return {
    ...rest,
    ...(keepsAck ? { acknowledgedBy } : {}),
    ...(keepsAck && acknowledgedAt !== undefined ? { acknowledgedAt } : {}),
    fact,
    revision: before.revision + 1,
    last: { at: fact.since, kind: 'state', text: `${fact.state}: ${fact.reason}` },
  }
}
