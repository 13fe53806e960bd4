import {
  ProtocolError,
  type AlarmHistory,
  type AlarmPush,
  type AlarmsList,
  type ClientMessage,
} from '../../protocol/index.ts'
import { hasRole } from '../auth/identity.ts'
import { connectionUnknown } from '../connections/connection-unknown.ts'
import type { Connection, Connections } from '../connections/ports.ts'
import { renewUntilCurrent } from '../connections/renew-until-current.ts'
import { toAlarmView } from './alarm-view.ts'
import { changeRecord, isRepeated, type AlarmChange } from './change-record.ts'
import type { AlarmFact, AlarmRecord, AlarmRecords, AlarmSource } from './ports.ts'
import { pushAlarm, type PushPorts } from './push-alarm.ts'

const HISTORY_ENTRIES = 100

export interface AlarmPorts extends PushPorts {
  readonly connections: Pick<Connections, 'find'>
  readonly source: AlarmSource
  readonly records: AlarmRecords
  /** What the names of this stack's alarms begin with. */
  readonly prefix: string
}

type AlarmsMessage = ClientMessage<'alarms'>

/**
 * The answer to an `alarms` message. Everybody who is signed in may list and read; changing needs the role operator. Listing also makes the
 * connection a watcher: first the watching, then the reading, so that no change falls between.
 *
 * Throws ProtocolError FORBIDDEN, ALARM_UNKNOWN, REVISION_CONFLICT, RANGE_INVALID, CONNECTION_UNKNOWN.
 */
export async function answerAlarms(
  message: AlarmsMessage,
  connection: Connection,
  ports: AlarmPorts,
): Promise<AlarmsList | AlarmHistory | AlarmPush> {
  switch (message.op) {
    case 'list':
      await watch(connection, ports)
      return list(message.id, ports)
    case 'history': {
      await requireAlarm(message.alarm, ports)
      const entries = await ports.records.history(message.alarm, HISTORY_ENTRIES)
      return { type: 'alarmHistory', id: message.id, alarm: message.alarm, entries }
    }
    case 'ack':
    case 'note':
    case 'shelve':
    case 'unshelve':
      return change(message, connection, ports)
  }
}

/**
 * As `subscribe` looks back after its rows: a close or a refresh that came between the message's admission and this row has not seen it. Both
 * write the connection first and touch the watcher after that, this the other way round: one of the two sees the other.
 */
async function watch(connection: Connection, ports: AlarmPorts): Promise<void> {
  const { watchers, connections } = ports
  const { connectionId, expiresAt } = connection
  await watchers.add(connectionId, expiresAt)
  const { current } = await renewUntilCurrent(connection, connections, async (identity) => {
    await watchers.renew(connectionId, identity.expiresAt)
    return []
  })
  if (current) return
  await watchers.remove(connectionId)
  throw connectionUnknown()
}

async function list(id: number, ports: AlarmPorts): Promise<AlarmsList> {
  // The revision first: a change in between makes the list newer than it says, never older.
  const revision = await ports.records.current()
  const [facts, records] = await Promise.all([ports.source.all(), ports.records.all()])
  const byName = new Map(records.map((record) => [record.alarm, record]))
  const options = { prefix: ports.prefix, nowMs: ports.clock.now() }
  const alarms = facts.map((fact) => toAlarmView(fact, byName.get(fact.alarm), options))
  return { type: 'alarms', id, alarms, revision }
}

async function change(
  message: AlarmChange,
  connection: Connection,
  ports: AlarmPorts,
): Promise<AlarmPush> {
  if (!hasRole(connection, 'operator')) {
    throw new ProtocolError('FORBIDDEN', 'Changing an alarm needs the role operator.')
  }
  const fact = await requireAlarm(message.alarm, ports)
  const before = await ports.records.find(message.alarm)
  const who = { by: connection.user, nowMs: ports.clock.now() }
  const wanted = changeRecord(before, message, who)
  const replaced = await ports.records.replace(wanted, message.revision)
  const record = replaced === 'replaced' ? wanted : await ports.records.find(message.alarm)
  if (record !== wanted && !isRepeated(record, wanted)) {
    await showCurrent(fact, record, connection, ports)
    throw conflict(message.alarm)
  }
  // Told again when it is repeated: the first time may have ended here.
  const push = toPush(fact, record, await ports.records.bump(), ports)
  await pushAlarm(push, ports, connection.connectionId)
  return { ...push, id: message.id }
}

/** Who was too slow gets the alarm as it is now, ahead of the refusal, so that he sees what he would have overwritten. */
async function showCurrent(
  fact: AlarmFact,
  record: AlarmRecord | undefined,
  { connectionId }: Connection,
  ports: AlarmPorts,
): Promise<void> {
  const push = toPush(fact, record, await ports.records.current(), ports)
  await ports.sockets.post(connectionId, JSON.stringify(push))
}

function toPush(
  fact: AlarmFact,
  record: AlarmRecord | undefined,
  revision: number,
  { prefix, clock }: AlarmPorts,
): AlarmPush {
  const alarm = toAlarmView(fact, record, { prefix, nowMs: clock.now() })
  return { type: 'alarm', alarm, revision }
}

async function requireAlarm(alarm: string, ports: AlarmPorts): Promise<AlarmFact> {
  const fact = (await ports.source.all()).find((one) => one.alarm === alarm)
  if (fact) return fact
  throw new ProtocolError('ALARM_UNKNOWN', 'There is no such alarm; ask for the list again.')
}

/** Somebody else changed the alarm since the client saw it. */
const conflict = (alarm: string): ProtocolError =>
  new ProtocolError('REVISION_CONFLICT', `${alarm} has changed since; look again, then repeat.`)
