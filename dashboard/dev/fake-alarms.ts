import type {
  AlarmPush,
  AlarmView,
  ClientMessage,
  ServerMessage,
} from '@gaugeline/backend/protocol'

type AlarmRequest = Extract<ClientMessage, { action: 'alarms' }>

/** Alarms that anybody may change, without the rules of the real ones. */
export class FakeAlarms {
  readonly #now: () => number
  readonly #alarms = new Map<string, AlarmView>()
  /** Of the changes of all alarms. */
  revision = 1

  constructor(now: () => number, count: number) {
    this.#now = now
    for (const alarm of firstAlarms(now(), count)) this.#alarms.set(alarm.alarm, alarm)
  }

  get names(): readonly string[] {
    return [...this.#alarms.keys()]
  }

  /** The push that tells of a change; undefined for an alarm that there is not. */
  change(name: string, change: Partial<AlarmView>): AlarmPush | undefined {
    const alarm = this.#alarms.get(name)
    if (!alarm) return undefined
    const next = { ...alarm, ...change, revision: alarm.revision + 1 }
    this.#alarms.set(name, next)
    return { type: 'alarm', alarm: next, revision: ++this.revision }
  }

  answer(message: AlarmRequest): ServerMessage | undefined {
    const { id } = message
    if (message.op === 'list') {
      return { type: 'alarms', id, alarms: [...this.#alarms.values()], revision: this.revision }
    }
    const alarm = this.#alarms.get(message.alarm)
    if (!alarm) return undefined
    if (message.op === 'history') {
      return { type: 'alarmHistory', id, alarm: message.alarm, entries: entriesOf(alarm) }
    }
    const at = this.#now()
    const text = 'text' in message ? message.text : undefined
    const notes = text === undefined ? alarm.notes : [...alarm.notes, { at, by: 'ana', text }]
    const changed = this.change(message.alarm, { notes, ...personsChange(message, at) })
    return changed && { ...changed, id }
  }
}

function personsChange(message: AlarmRequest, at: number): Partial<AlarmView> {
  switch (message.op) {
    case 'ack':
      return { acknowledgedBy: 'ana', acknowledgedAt: at }
    case 'shelve':
      return { shelvedBy: 'ana', shelvedUntil: message.until }
    case 'unshelve':
      return { shelvedUntil: at }
    case 'note':
    case 'list':
    case 'history':
      return {}
  }
}

function entriesOf(alarm: AlarmView) {
  const raised = {
    at: alarm.since,
    kind: 'state' as const,
    text: `${alarm.state}: ${alarm.reason}`,
  }
  const notes = alarm.notes.map((note) => ({ ...note, kind: 'note' as const }))
  return [raised, ...notes]
}

const kinds: readonly (readonly [string, string, AlarmView['severity'], string])[] = [
  ['deliver-errors', 'Delivery fails', 'P1', 'Dashboards get no readings'],
  ['iterator-age', 'Delivery lags behind the stream', 'P2', 'Readings arrive late'],
  ['ingest-silence', 'No readings arrive', 'P1', 'Every chart stands still'],
  ['posts-throttled', 'Posts are throttled', 'P3', 'Some dashboards see newest values only'],
  ['readings-rejected', 'Devices send bad payloads', 'P3', 'These readings are in Rejects'],
  ['rule-errors', 'The topic rule fails', 'P2', 'Readings wait in the error queue'],
  ['connect-denied', 'Many sign-ins are refused', 'P4', 'People may be locked out'],
  ['heartbeat', 'The canary is silent', 'P2', 'The path may be broken'],
]

/** The same kinds again and again, with a number from the second round on. */
function firstAlarms(now: number, count: number): AlarmView[] {
  return Array.from({ length: count }, (_, i) => {
    const [kind, what, severity, impact] = kinds[i % kinds.length] ?? ['none', '', 'P4', '']
    const round = Math.floor(i / kinds.length) + 1
    const name = round === 1 ? kind : `${kind}-${round}`
    return {
      alarm: `Gaugeline-${name}`,
      title: name,
      description: `${what} | ${impact}.`,
      severity,
      runbook: `docs/runbook.md#${kind}`,
      state: 'OK',
      reason: 'Threshold Crossed: 1 datapoint was not greater than the threshold (0.0).',
      since: now - (i + 1) * 1_900_000,
      revision: 1,
      notes: [],
    }
  })
}
