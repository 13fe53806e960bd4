import type { CommandState } from '../../protocol/index.ts'
import type { Sockets } from '../connections/ports.ts'
import { toUpdate } from './command-update.ts'
import type { Commands } from './ports.ts'
import { recipientsOf, type RecipientPorts } from './recipients.ts'

const open: readonly CommandState[] = ['accepted', 'sent', 'acked']

/** Ends the commands whose time has run out and tells the users who asked. Returns how many. */
export async function expireCommands(
  ports: RecipientPorts & { readonly commands: Commands; readonly sockets: Sockets },
): Promise<number> {
  const at = ports.clock.now()
  let expired = 0
  for (const commandId of await ports.commands.overdue(at)) {
    const message = 'The device did not say in time how it ended.'
    const moved = await ports.commands.move(commandId, open, { state: 'expired', at, message })
    if (!moved?.moved) continue
    expired++
    const frame = JSON.stringify(toUpdate(moved.command))
    for (const { connectionId } of await recipientsOf(moved.command, ports)) {
      await ports.sockets.post(connectionId, frame)
    }
  }
  return expired
}
