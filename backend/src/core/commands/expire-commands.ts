import type { Clock } from '../clock.ts'
import type { Connections, Sockets } from '../connections/ports.ts'
import { toUpdate } from './command-update.ts'
import type { Commands } from './ports.ts'

/** Ends the commands whose time has run out and tells the users who asked. Returns how many. */
export async function expireCommands(ports: {
  readonly commands: Commands
  readonly connections: Connections
  readonly sockets: Sockets
  readonly clock: Clock
}): Promise<number> {
  const at = ports.clock.now()
  let expired = 0
  for (const commandId of await ports.commands.overdue(at)) {
    const message = 'The device did not answer in time.'
    const change = { state: 'expired', at, message } as const
    const moved = await ports.commands.move(commandId, ['accepted', 'sent', 'acked'], change)
    if (!moved?.moved) continue
    expired++
    const frame = JSON.stringify(toUpdate(moved.command))
    for (const { connectionId } of await ports.connections.ofUser(moved.command.user)) {
      await ports.sockets.post(connectionId, frame)
    }
  }
  return expired
}
