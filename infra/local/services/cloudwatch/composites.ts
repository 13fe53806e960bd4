import type { Clock } from '../../platform/types.ts'
import type { Alarm, AlarmBook, CompositeAlarmDefinition, Transition } from './alarm-book.ts'
import { alarmNameOf } from './composite-rule.ts'
import type { Notifications } from './notifications.ts'
import { alarmTime } from './texts.ts'

/** Composite alarms of composite alarms: how deep a change may travel before it is a circle. */
const MAX_DEPTH = 10

export interface Composites {
  /** Brings one composite to the state that its rule gives now. */
  refresh(alarm: Alarm): void
  /** Reacts to a change of any alarm (CW-39): composites above it, suppressors, actions. */
  onTransition(transition: Transition): void
}

export function composites(options: {
  readonly clock: Clock
  readonly book: AlarmBook
  readonly notifications: Notifications
}): Composites {
  const { book, notifications } = options
  const suppression = actionSuppression(options)
  let depth = 0

  function refresh(alarm: Alarm, cause?: Alarm): void {
    if (alarm.definition.kind !== 'composite') return
    const holds = alarm.definition.rule.holds((name) => book.find(name)?.state.value)
    const value = holds ? 'ALARM' : 'OK'
    if (alarm.state.value === value) return
    book.setState(alarm, {
      value,
      reason: cause
        ? `${cause.arn} transitioned to ${cause.state.value} at ${longTime(cause.state.transitionedMs)}`
        : `${alarm.arn} was created and its alarm rule evaluates to ${value}`,
      reasonData: JSON.stringify({ triggeringAlarms: cause ? [triggering(cause)] : [] }),
    })
  }

  function refreshParents(child: Alarm): void {
    if (depth >= MAX_DEPTH) return
    depth++
    for (const alarm of book.list()) {
      const { definition } = alarm
      if (
        definition.kind === 'composite' &&
        definition.rule.children.includes(child.definition.name)
      ) {
        refresh(alarm, child)
      }
    }
    depth--
  }

  return {
    refresh,
    onTransition(transition) {
      suppression.onSuppressor(transition.alarm)
      suppression.act(transition)
      notifications.announce(transition)
      refreshParents(transition.alarm)
    },
  }
}

interface Pending {
  readonly cancel: () => void
  readonly transition: Transition
}

/**
 * Actions of a composite with an ActionsSuppressor: none while the suppressor is in ALARM; a change waits WaitPeriod for the suppressor to
 * follow, and ExtensionPeriod after it has cleared.
 */
function actionSuppression(options: {
  readonly clock: Clock
  readonly book: AlarmBook
  readonly notifications: Notifications
}): { act(transition: Transition): void; onSuppressor(alarm: Alarm): void } {
  const { clock, book, notifications } = options
  const pending = new Map<Alarm, Pending>()

  function later(
    transition: Transition,
    kind: 'WaitPeriod' | 'ExtensionPeriod',
    seconds: number,
  ): void {
    const { alarm } = transition
    pending.get(alarm)?.cancel()
    alarm.suppressedBy = kind
    const cancel = clock.after(seconds * 1000, () => {
      pending.delete(alarm)
      delete alarm.suppressedBy
      if (alarm.state.value !== transition.previous.value) notifications.act(transition)
    })
    pending.set(alarm, { cancel, transition })
  }

  function hold(transition: Transition): void {
    const { alarm } = transition
    pending.get(alarm)?.cancel()
    pending.set(alarm, { cancel: () => undefined, transition })
    alarm.suppressedBy = 'Alarm'
  }

  return {
    act(transition) {
      const { alarm } = transition
      const suppressor = suppressorOf(alarm)
      // What has not been told yet is told as one change, from the last state that people know.
      const waiting = pending.get(alarm)
      const told = waiting ? { alarm, previous: waiting.transition.previous } : transition
      if (!suppressor) notifications.act(transition)
      else if (isInAlarm(book, suppressor.alarm)) hold(told)
      else if (waiting && alarm.suppressedBy === 'ExtensionPeriod')
        later(told, 'ExtensionPeriod', suppressor.extensionSeconds)
      else later(told, 'WaitPeriod', suppressor.waitSeconds)
    },
    onSuppressor(changed) {
      for (const alarm of book.list()) {
        const suppressor = suppressorOf(alarm)
        const waiting = pending.get(alarm)
        if (!suppressor || !waiting || alarmNameOf(suppressor.alarm) !== changed.definition.name)
          continue
        if (changed.state.value === 'ALARM') hold(waiting.transition)
        else if (alarm.suppressedBy === 'Alarm')
          later(waiting.transition, 'ExtensionPeriod', suppressor.extensionSeconds)
      }
    },
  }
}

function suppressorOf({ definition }: Alarm): CompositeAlarmDefinition['suppressor'] {
  return definition.kind === 'composite' ? definition.suppressor : undefined
}

function isInAlarm(book: AlarmBook, nameOrArn: string): boolean {
  return book.find(alarmNameOf(nameOrArn))?.state.value === 'ALARM'
}

function triggering(alarm: Alarm): object {
  return {
    arn: alarm.arn,
    state: { value: alarm.state.value, timestamp: alarmTime(alarm.state.transitionedMs) },
  }
}

const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const MONTHS =
  'January February March April May June July August September October November December'.split(' ')

/** `Friday 14 August, 2020 21:26:40 UTC`. */
function longTime(epochMs: number): string {
  const date = new Date(epochMs)
  const day = String(date.getUTCDate()).padStart(2, '0')
  const month = MONTHS[date.getUTCMonth()] ?? ''
  return `${WEEKDAYS[date.getUTCDay()] ?? ''} ${day} ${month}, ${date.getUTCFullYear()} ${date.toISOString().slice(11, 19)} UTC`
}
