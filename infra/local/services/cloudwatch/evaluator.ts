import type { Clock } from '../../platform/types.ts'
import type { Alarm, AlarmBook } from './alarm-book.ts'
import type { MetricAlarmDefinition } from './alarm-definition.ts'
import { evaluateAlarm } from './evaluation.ts'
import type { MetricStore } from './metric-store.ts'

const TICK_S = 10
/** Data of a period arrive a moment after its end. */
const DELAY_MS = 3000
/** A new alarm stays in INSUFFICIENT_DATA until it has a whole minute to look at (CW-1). */
const FIRST_EVALUATION_MS = 60_000

export interface Evaluator {
  start(): void
  stop(): void
}

/**
 * Evaluates the metric alarms on the clock: every minute for periods of a minute and more, over windows that slide by a minute; every ten
 * seconds for shorter ones (CW-3).
 */
export function alarmEvaluator(clock: Clock, store: MetricStore, book: AlarmBook): Evaluator {
  let cancel: (() => void) | undefined
  let lastMinute = Math.floor(clock.now() / 60_000)

  function tick(): void {
    const nowS = Math.floor(clock.now() / 1000)
    const minute = Math.floor(nowS / 60)
    const isNewMinute = minute !== lastMinute
    lastMinute = minute
    for (const alarm of book.list()) {
      const { definition } = alarm
      if (definition.kind !== 'metric') continue
      const isShort = definition.periodSeconds < 60
      if (isShort) evaluate(alarm, definition, nowS - (nowS % TICK_S))
      else if (isNewMinute && clock.monotonic() - alarm.configuredAtMs >= FIRST_EVALUATION_MS)
        evaluate(alarm, definition, minute * 60)
    }
  }

  function evaluate(alarm: Alarm, definition: MetricAlarmDefinition, endS: number): void {
    const { verdict, reason, reasonData } = evaluateAlarm(store, definition, endS)
    if (verdict === 'keep' || verdict === alarm.state.value) return
    book.setState(alarm, { value: verdict, reason, reasonData })
  }

  return {
    start() {
      const toBoundaryMs = TICK_S * 1000 - (clock.now() % (TICK_S * 1000))
      cancel = clock.after(toBoundaryMs + DELAY_MS, () => {
        tick()
        cancel = clock.every(TICK_S * 1000, tick)
      })
    },
    stop() {
      cancel?.()
    },
  }
}
