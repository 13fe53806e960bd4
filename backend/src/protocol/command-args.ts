import * as v from 'valibot'
import { atMostCharacters } from './characters.ts'
import { limits } from './limits.ts'
import type { CommandName } from './telemetry.ts'

/** The arguments of each command: the server refuses others, and a device carries out these. */
export const commandArgsSchemas = {
  /** Time between readings. */
  setInterval: v.strictObject({
    ms: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(3_600_000)),
  }),
  reboot: v.strictObject({}),
  /** How long the device shows itself; its own choice when absent. */
  identify: v.strictObject({
    seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(300))),
  }),
  /** The value that a metric shall take; the device's main metric when none is named. */
  setPoint: v.strictObject({
    metric: v.optional(
      v.pipe(v.string(), v.minLength(1), atMostCharacters(limits.metricNameCharacters)),
    ),
    value: v.pipe(v.number(), v.finite()),
  }),
} as const satisfies Record<CommandName, v.GenericSchema>

/** The same for people. */
export const commandArgsForms: Readonly<Record<CommandName, string>> = {
  setInterval: '{"ms": 100 to 3600000}',
  reboot: '{}',
  identify: '{"seconds": 1 to 300} or {}',
  setPoint: '{"value": number, "metric": name (optional)}',
}
