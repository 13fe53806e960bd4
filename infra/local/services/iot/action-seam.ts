import { letHappen } from '../../platform/seam.ts'
import type { Clock, Faults } from '../../platform/types.ts'
import type { RuleAction } from './actions.ts'
import type { Scope } from './sql/message.ts'

/** Seams of a rule; target = rule name. */
export type ActionSeam = 'iot.action' | 'iot.errorAction'

/** Runs an action of a rule through its seam; starts at once when there is no fault. Rejects when the action fails, on purpose or not. */
export function runThroughSeam(
  ports: { readonly clock: Clock; readonly faults?: Faults | undefined },
  at: { readonly seam: ActionSeam; readonly ruleName: string },
  call: { readonly action: RuleAction; readonly scope: Scope; readonly data: Buffer },
): Promise<unknown> {
  const run = (): Promise<unknown> => call.action.run(call.scope, call.data)
  const fault = ports.faults?.at(at.seam, at.ruleName)
  if (!fault) return run()
  return letHappen(fault, ports.clock).then(async (extraTimes) => {
    for (let times = 0; times < extraTimes; times++) await run()
    return run()
  })
}
