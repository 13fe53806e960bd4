import { letHappen, LostAnswer } from '../../platform/seam.ts'
import type { Clock, Faults, InvocationResult } from '../../platform/types.ts'

/**
 * Invokes a mapping's function through the seam `esm.deliver`, target = function name. Throws AwsError (nothing ran) or
 * {@link LostAnswer} (the function ran, and nobody hears of it).
 */
export async function invokeThroughSeam(
  ports: { readonly clock: Clock; readonly faults?: Faults | undefined },
  functionName: string,
  invoke: () => Promise<InvocationResult>,
): Promise<InvocationResult> {
  const fault = ports.faults?.at('esm.deliver', functionName)
  if (!fault) return invoke()
  if (fault.kind === 'drop') {
    await invoke()
    throw new LostAnswer()
  }
  const extraTimes = await letHappen(fault, ports.clock)
  for (let times = 0; times < extraTimes; times++) await invoke()
  return invoke()
}
