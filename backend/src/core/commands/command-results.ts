import type { CommandResults } from './ports.ts'
import { applyResult } from './apply-result.ts'
import { toUpdate } from './command-update.ts'
import type { Commands } from './ports.ts'
import { recipientsOf, type RecipientPorts } from './recipients.ts'

/** Devices' answers, for `deliver`, which looks at the rights again when it sends. */
export function commandResults(
  ports: RecipientPorts & { readonly commands: Commands },
): CommandResults {
  return {
    async apply(event) {
      const outcome = await applyResult(event, ports.commands)
      if ('ignored' in outcome) return undefined
      const connections = await recipientsOf(outcome.command, ports)
      return { update: toUpdate(outcome.command), connections }
    },
  }
}
