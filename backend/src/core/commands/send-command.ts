import {
  commandTopic,
  isEntitled,
  limits,
  ProtocolError,
  type ClientMessage,
  type CommandUpdate,
  type DeviceTopic,
} from '../../protocol/index.ts'
import { hasRole } from '../auth/identity.ts'
import type { Clock } from '../clock.ts'
import { reportAbuse } from '../connections/abuse.ts'
import type { Connection, Sockets, ExpiryQueue } from '../connections/ports.ts'
import type { Log } from '../telemetry-sink.ts'
import { canonicalJson } from './canonical-json.ts'
import { checkCommand } from './check-command.ts'
import { toUpdate } from './command-update.ts'
import type { Command, Commands, DeviceMessages } from './ports.ts'

export interface CommandPorts {
  readonly commands: Commands
  readonly devices: DeviceMessages
  readonly sockets: Sockets
  readonly clock: Clock
  readonly log: Log
  /** Where to have a socket closed that goes on after being told RATE_LIMITED. */
  readonly expiryQueue: ExpiryQueue
  readonly newId: () => string
  /** Digest of a text. */
  readonly digest: (text: string) => string
}

/**
 * Sends a command to a device. `accepted` is pushed once it is recorded, the answer says `sent` once the broker has it; `acked` and `done` only
 * come from the device itself, `failed` from the device or when the broker refuses. Without an answer of the broker it stays `accepted`: the
 * device's word or the end of its time decides. The same key with the same body is the same command: it is published again only while
 * nothing but `accepted` is known of it, and the device knows it by its id.
 *
 * Who was refused, what and why is a log line. Throws ProtocolError FORBIDDEN (role, or a device that is not the bearer's, existing or not),
 * COMMAND_INVALID, COMMAND_KEY_REUSED, RATE_LIMITED.
 */
export async function sendCommand(
  message: ClientMessage<'command'>,
  connection: Connection,
  ports: CommandPorts,
): Promise<CommandUpdate> {
  try {
    return await send(message, connection, ports)
  } catch (error) {
    if (error instanceof ProtocolError) {
      const { connectionId, user } = connection
      const { topic, name, key } = message
      const facts = { connectionId, user, topic, name, key, code: error.code }
      ports.log.warn('command refused', facts)
    }
    throw error
  }
}

async function send(
  message: ClientMessage<'command'>,
  connection: Connection,
  ports: CommandPorts,
): Promise<CommandUpdate> {
  requireRight(message, connection)
  checkCommand(message)
  const command = newCommand(message, connection, ports)
  const before = await ports.commands.findByKey(command.user, command.key)
  if (before) return repeat(before, { command, id: message.id }, ports)
  // Before it is recorded, so that a flood leaves no rows; after the look at the key, so that a repetition costs nothing.
  await requireRate(connection, ports)
  const created = await ports.commands.create(command)
  if (created !== 'created') return repeat(created, { command, id: message.id }, ports)
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
    bodyHash: ports.digest(canonicalJson([topic, name, args, ttlMs])),
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

/** What failed between the record and the broker is made up for by the repetition. */
async function repeat(
  before: Command,
  { command, id }: { readonly command: Command; readonly id: number },
  ports: CommandPorts,
): Promise<CommandUpdate> {
  if (before.bodyHash !== command.bodyHash) {
    throw new ProtocolError(
      'COMMAND_KEY_REUSED',
      'This key was used for another command; take a new key for a new command.',
    )
  }
  const isUnsent = before.state === 'accepted' && before.expiresAt > ports.clock.now()
  return toUpdate(isUnsent ? await publish(before, ports) : before, id)
}

async function requireRate({ connectionId, user }: Connection, ports: CommandPorts): Promise<void> {
  const admission = await ports.commands.count(user, ports.clock.now())
  if (admission.outcome === 'counted') return
  const { retryAfterMs, strikes } = admission
  await reportAbuse(connectionId, strikes, ports.expiryQueue)
  throw new ProtocolError(
    'RATE_LIMITED',
    `More than ${limits.commandsPerMinute} commands in a minute; wait ${Math.ceil(retryAfterMs / 1_000)} s.`,
    { retryAfterMs },
  )
}

async function publish(command: Command, ports: CommandPorts): Promise<Command> {
  const { commandId, name, args, expiresAt } = command
  const [site = '', device = ''] = command.topic.split('/')
  const request = { commandId, name, args, expiresAt }
  const outcome = await ports.devices.publish(commandTopic(site, device, commandId), request)
  if (outcome === 'unknown') return (await ports.commands.find(commandId)) ?? command
  const at = ports.clock.now()
  const moved = await ports.commands.move(
    commandId,
    ['accepted'],
    outcome === 'published'
      ? { state: 'sent', at }
      : { state: 'failed', at, message: 'The broker refused the command.' },
  )
  // The device may have been faster than this write: then the answer says what it has said.
  return moved?.command ?? command
}
