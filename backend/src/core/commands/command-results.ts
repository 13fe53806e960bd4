import type { CommandResults } from '../delivery/ports.ts'
import { applyResult } from './apply-result.ts'
import { toUpdate } from './command-update.ts'
import type { Commands } from './ports.ts'
import { whoIsTold, type WhoIsToldPorts } from './recipients.ts'

/** Devices' answers, for `deliver`, which looks at the rights again when it sends. */
export function commandResults(
  ports: WhoIsToldPorts & { readonly commands: Commands },
): CommandResults {
  return {
    async apply(event) {
      const outcome = await applyResult(event, ports.commands)
      if ('ignored' in outcome) return undefined
      const connections = await whoIsTold(outcome.command, ports)
      return { update: toUpdate(outcome.command), connections }
    },
  }
}
