import * as v from 'valibot'
import {
  commandArgsForms,
  commandArgsSchemas,
  limits,
  ProtocolError,
  type ClientMessage,
} from '../../protocol/index.ts'

/** Throws ProtocolError COMMAND_INVALID when the arguments are not those of the command, or too large. */
export function checkCommand({ name, args }: ClientMessage<'command'>): void {
  if (JSON.stringify(args).length > limits.commandArgsBytes) {
    throw new ProtocolError(
      'COMMAND_INVALID',
      `The arguments have more than ${limits.commandArgsBytes} characters; shorten them.`,
    )
  }
  if (v.is(commandArgsSchemas[name], args)) return
  throw new ProtocolError(
    'COMMAND_INVALID',
    `The args of ${name} are ${commandArgsForms[name]}; correct them.`,
  )
}
