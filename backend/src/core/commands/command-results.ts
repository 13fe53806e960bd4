import type { Connections } from '../connections/ports.ts'
import type { CommandResults } from '../delivery/ports.ts'
import { applyResult } from './apply-result.ts'
import type { Commands } from './ports.ts'

/** Devices' answers, for `deliver`: told on every open connection of the user who asked, so also after a reconnect. */
export function commandResults(ports: {
  readonly commands: Commands
  readonly connections: Pick<Connections, 'ofUser'>
}): CommandResults {
  return {
    async apply(event) {
      const outcome = await applyResult(event, ports.commands)
      if ('ignored' in outcome) return undefined
      const connections = await ports.connections.ofUser(outcome.user)
      return { update: outcome.update, connections }
    },
  }
}
