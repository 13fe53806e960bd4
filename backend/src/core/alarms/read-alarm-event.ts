import * as v from 'valibot'
import type { AlarmFact } from './ports.ts'

/** The `detail` of a `CloudWatch Alarm State Change` event, as far as it is used. */
const detailSchema = v.object({
  alarmName: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  configuration: v.optional(v.object({ description: v.optional(v.string(), '') })),
  state: v.object({
    value: v.picklist(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
    reason: v.optional(v.string(), ''),
    /** `2019-10-02T17:04:40.985+0000`: without the colon that ISO 8601 wants. */
    timestamp: v.string(),
  }),
})

/** The alarm's state in an event's detail, or `undefined` when it is not such an event. */
export function readAlarmEvent(detail: unknown): AlarmFact | undefined {
  const parsed = v.safeParse(detailSchema, detail)
  if (!parsed.success) return undefined
  const { alarmName, configuration, state } = parsed.output
  const since = Date.parse(state.timestamp.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  if (Number.isNaN(since)) return undefined
  return {
    alarm: alarmName,
    description: configuration?.description ?? '',
    state: state.value,
    reason: state.reason.slice(0, 1_024),
    since,
  }
}
