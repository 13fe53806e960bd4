import {
  commandTopic,
  isEntitled,
  ProtocolError,
  type ClientMessage,
  type CommandUpdate,
  type DeviceTopic,
} from '../../protocol/index.ts'
import { hasRole } from '../auth/identity.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Sockets } from '../connections/ports.ts'
import { checkCommand } from './check-command.ts'
import { toUpdate } from './command-update.ts'
import type { Command, Commands, DeviceMessages } from './ports.ts'

const MINUTE_MS = 60_000

export interface CommandPorts {
  readonly commands: Commands
  readonly devices: DeviceMessages
  readonly sockets: Sockets
  readonly clock: Clock
  readonly newId: () => string
  /** Digest of a text. */
  readonly digest: (text: string) => string
}

/**
 * Sends a command to a device. `accepted` is pushed once it is recorded, the answer says `sent` once the broker has it; `acked`, `done` and
 * `failed` only come from the device itself. The same key with the same body is the same command: it is not sent twice.
 *
 * Throws ProtocolError FORBIDDEN (role, or a device that is not the bearer's, existing or not), COMMAND_INVALID, COMMAND_KEY_REUSED, RATE_LIMITED.
 */
export async function sendCommand(
  message: ClientMessage<'command'>,
  connection: Connection,
  ports: CommandPorts,
): Promise<CommandUpdate> {
  requireRight(message, connection)
  checkCommand(message)
  const command = newCommand(message, connection, ports)
  const created = await ports.commands.create(command)
  if (created !== 'created') return repeat(created, command, message.id)
  await requireRate(command, ports)
  await ports.sockets.post(connection.connectionId, JSON.stringify(toUpdate(command)))
  return toUpdate(await publish(command, ports), message.id)
}

function requireRight({ topic }: ClientMessage<'command'>, connection: Connection): void {
  if (!hasRole(connection, 'operator')) {
    throw new ProtocolError('FORBIDDEN', 'Sending a command needs the role operator.')
  }
  if (!isEntitled(connection.devices, topic)) {
    throw new ProtocolError('FORBIDDEN', 'This device is unknown or not among yours.')
  }
}

function newCommand(
  message: ClientMessage<'command'>,
  connection: Connection,
  ports: CommandPorts,
): Command {
  const { key, name, args, ttlMs } = message
  const nowMs = ports.clock.now()
  const topic = message.topic as DeviceTopic
  return {
    commandId: ports.newId(),
    key,
    bodyHash: ports.digest(JSON.stringify([topic, name, args, ttlMs])),
    user: connection.user,
    topic,
    name,
    args,
    state: 'accepted',
    at: nowMs,
    createdAt: nowMs,
    expiresAt: nowMs + ttlMs,
  }
}

function repeat(before: Command, command: Command, id: number): CommandUpdate {
  if (before.bodyHash === command.bodyHash) return toUpdate(before, id)
  throw new ProtocolError(
    'COMMAND_KEY_REUSED',
    'This key was used for another command; take a new key for a new command.',
  )
}

/** Counted after the key is known to be new, so that a repeated message costs nothing; a refused command ends as `failed`. */
async function requireRate(command: Command, ports: CommandPorts): Promise<void> {
  const nowMs = ports.clock.now()
  if ((await ports.commands.countMinute(command.user, nowMs)) === 'counted') return
  const change = { state: 'failed', at: nowMs, message: 'too many commands' } as const
  await ports.commands.move(command.commandId, ['accepted'], change)
  const retryAfterMs = MINUTE_MS - (nowMs % MINUTE_MS)
  throw new ProtocolError(
    'RATE_LIMITED',
    `Too many commands this minute; wait ${Math.ceil(retryAfterMs / 1_000)} s and take a new key.`,
    { retryAfterMs },
  )
}

async function publish(command: Command, ports: CommandPorts): Promise<Command> {
  const { commandId, name, args, expiresAt } = command
  const [site = '', device = ''] = command.topic.split('/')
  const outcome = await ports.devices.publish(commandTopic(site, device, commandId), {
    commandId,
    name,
    args,
    expiresAt,
  })
  const at = ports.clock.now()
  const moved = await ports.commands.move(
    commandId,
    ['accepted'],
    outcome === 'published'
      ? { state: 'sent', at }
      : { state: 'failed', at, message: 'The broker did not take the command.' },
  )
  // The device may have been faster than this write: then the answer says what it has said.
  return moved?.command ?? command
}
