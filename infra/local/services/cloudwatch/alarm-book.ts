import { AwsError } from '../../platform/errors.ts'
import type { Account, Clock } from '../../platform/types.ts'
import type { AlarmActions, MetricAlarmDefinition } from './alarm-definition.ts'
import type { CompositeRule } from './composite-rule.ts'
import type { StateValue } from './verdict.ts'

export interface CompositeAlarmDefinition {
  readonly kind: 'composite'
  readonly name: string
  readonly description: string | undefined
  readonly actions: AlarmActions
  readonly ruleText: string
  readonly rule: CompositeRule
  readonly suppressor?: {
    /** As given: a name or an ARN. */
    readonly alarm: string
    readonly waitSeconds: number
    readonly extensionSeconds: number
  }
}

export type AlarmDefinition = MetricAlarmDefinition | CompositeAlarmDefinition

export interface AlarmState {
  readonly value: StateValue
  readonly reason: string
  /** JSON text. */
  readonly reasonData?: string
  readonly updatedMs: number
  readonly transitionedMs: number
}

export interface Alarm {
  definition: AlarmDefinition
  readonly arn: string
  configuredMs: number
  /** The same moment on the monotonic clock. */
  configuredAtMs: number
  state: AlarmState
  actionsEnabled: boolean
  suppressedBy?: 'WaitPeriod' | 'ExtensionPeriod' | 'Alarm'
}

export interface Transition {
  readonly alarm: Alarm
  readonly previous: AlarmState
}

export interface HistoryItem {
  readonly alarmName: string
  readonly alarmType: 'MetricAlarm' | 'CompositeAlarm'
  readonly timestampMs: number
  readonly type: 'ConfigurationUpdate' | 'StateUpdate' | 'Action'
  readonly summary: string
  /** JSON text. */
  readonly data: string
}

/** The alarms, their states and what happened to them. */
export interface AlarmBook {
  /** Creates or changes; a change keeps the state (CW-1). */
  put(definition: AlarmDefinition): Alarm
  remove(name: string): void
  find(name: string): Alarm | undefined
  /** Throws AwsError `ResourceNotFound`. */
  get(name: string): Alarm
  list(): readonly Alarm[]
  /** Listeners hear a change of the value only (CW-22). */
  setState(
    alarm: Alarm,
    next: { readonly value: StateValue; readonly reason: string; readonly reasonData?: string },
  ): void
  onTransition(listener: (transition: Transition) => void): void
  note(alarm: Alarm, item: Pick<HistoryItem, 'type' | 'summary' | 'data'>): void
  /** Newest first. */
  history(): readonly HistoryItem[]
}

const MAX_HISTORY = 2000

export function alarmBook(account: Account, clock: Clock): AlarmBook {
  const alarms = new Map<string, Alarm>()
  const listeners: ((transition: Transition) => void)[] = []
  const history: HistoryItem[] = []

  const note: AlarmBook['note'] = (alarm, item) => {
    history.push({
      ...item,
      alarmName: alarm.definition.name,
      alarmType: alarm.definition.kind === 'metric' ? 'MetricAlarm' : 'CompositeAlarm',
      timestampMs: clock.now(),
    })
    if (history.length > MAX_HISTORY) history.splice(0, history.length - MAX_HISTORY)
  }

  function create(definition: AlarmDefinition): Alarm {
    const nowMs = clock.now()
    const alarm: Alarm = {
      definition,
      arn: `arn:aws:cloudwatch:${account.region}:${account.accountId}:alarm:${definition.name}`,
      configuredMs: nowMs,
      configuredAtMs: clock.monotonic(),
      // CW-1.
      state: {
        value: 'INSUFFICIENT_DATA',
        reason: 'Unchecked: Initial alarm creation',
        updatedMs: nowMs,
        transitionedMs: nowMs,
      },
      actionsEnabled: definition.actions.enabled,
    }
    alarms.set(definition.name, alarm)
    return alarm
  }

  return {
    put(definition) {
      const known = alarms.get(definition.name)
      const alarm = known ?? create(definition)
      alarm.definition = definition
      alarm.configuredMs = clock.now()
      alarm.configuredAtMs = clock.monotonic()
      alarm.actionsEnabled = definition.actions.enabled
      const summary = `Alarm "${definition.name}" ${known ? 'updated' : 'created'}`
      note(alarm, {
        type: 'ConfigurationUpdate',
        summary,
        data: JSON.stringify({ version: '1.0', type: known ? 'Update' : 'Create' }),
      })
      return alarm
    },
    remove(name) {
      alarms.delete(name)
    },
    find: (name) => alarms.get(name),
    get(name) {
      const alarm = alarms.get(name)
      if (alarm) return alarm
      throw new AwsError('ResourceNotFound', `There is no alarm ${name}.`, { status: 404 })
    },
    list: () =>
      [...alarms.values()].sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1)),
    setState(alarm, next) {
      const previous = alarm.state
      const nowMs = clock.now()
      const changed = previous.value !== next.value
      alarm.state = {
        ...next,
        updatedMs: nowMs,
        transitionedMs: changed ? nowMs : previous.transitionedMs,
      }
      if (!changed) return
      note(alarm, {
        type: 'StateUpdate',
        summary: `Alarm updated from ${previous.value} to ${next.value}`,
        data: JSON.stringify({
          version: '1.0',
          oldState: historyState(previous),
          newState: historyState(alarm.state),
        }),
      })
      for (const listener of listeners) listener({ alarm, previous })
    },
    onTransition(listener) {
      listeners.push(listener)
    },
    note,
    history: () => [...history].reverse(),
  }
}

function historyState(state: AlarmState): object {
  return {
    stateValue: state.value,
    stateReason: state.reason,
    ...(state.reasonData === undefined
      ? {}
      : { stateReasonData: JSON.parse(state.reasonData) as unknown }),
  }
}
