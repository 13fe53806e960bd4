import type { CommandUpdate } from '../../protocol/index.ts'
import type { Command } from './ports.ts'

/** A command's state as its operator is told. */
export function toUpdate(command: Command, id?: number): CommandUpdate {
  const { key, commandId, topic, name, state, at, message, user } = command
  return {
    type: 'command',
    ...(id === undefined ? {} : { id }),
    key,
    commandId,
    topic,
    name,
    state,
    at,
    ...(message === undefined ? {} : { message }),
    by: user,
  }
}
