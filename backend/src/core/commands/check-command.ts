import * as v from 'valibot'
import {
  limits,
  ProtocolError,
  type ClientMessage,
  type CommandName,
} from '../../protocol/index.ts'

const argsSchemas = {
  setInterval: v.strictObject({
    ms: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(3_600_000)),
  }),
  reboot: v.strictObject({}),
  identify: v.strictObject({
    seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(300))),
  }),
  setPoint: v.strictObject({
    metric: v.optional(
      v.pipe(v.string(), v.minLength(1), v.maxLength(limits.metricNameCharacters)),
    ),
    value: v.pipe(v.number(), v.finite()),
  }),
} as const satisfies Record<CommandName, v.GenericSchema>

const forms: Readonly<Record<CommandName, string>> = {
  setInterval: '{"ms": 100 to 3600000}',
  reboot: '{}',
  identify: '{"seconds": 1 to 300} or {}',
  setPoint: '{"value": number, "metric": name (optional)}',
}

/** Throws ProtocolError COMMAND_INVALID when the arguments are not those of the command, or too large. */
export function checkCommand({ name, args }: ClientMessage<'command'>): void {
  if (JSON.stringify(args).length > limits.commandArgsBytes) {
    throw new ProtocolError(
      'COMMAND_INVALID',
      `The arguments have more than ${limits.commandArgsBytes} characters; shorten them.`,
    )
  }
  if (v.is(argsSchemas[name], args)) return
  throw new ProtocolError(
    'COMMAND_INVALID',
    `The args of ${name} are ${forms[name]}; correct them.`,
  )
}
