import { AwsError } from './errors.ts'
import type { Clock, Fault, Faults } from './types.ts'

/** The answer to a call is lost on purpose: the front cuts the connection without a word. */
export class LostAnswer extends Error {
  constructor() {
    super('The answer was dropped on purpose')
    this.name = 'LostAnswer'
  }
}

/**
 * Asks for a fault at a seam of a request and lets it happen: throws AwsError `throttleCode` (throttle) or the given error, waits
 * on the clock (delay), throws {@link LostAnswer} (drop). What is the seam's own affair is left to it: a duplicate's number of extra
 * times is returned (0 otherwise).
 */
export async function passSeam(
  { faults, clock }: { readonly faults?: Faults | undefined; readonly clock: Clock },
  seam: string,
  target: string | undefined,
  throttleCode = 'ThrottlingException',
): Promise<number> {
  const fault = faults?.at(seam, target)
  return fault ? letHappen(fault, clock, throttleCode) : 0
}

/** What {@link passSeam} does with the fault it was given, for a seam that must look at the fault first. */
export async function letHappen(
  fault: Fault,
  clock: Clock,
  throttleCode = 'ThrottlingException',
): Promise<number> {
  switch (fault.kind) {
    case 'throttle':
      throw new AwsError(throttleCode, 'Rate exceeded (fault on purpose)')
    case 'error':
      throw new AwsError(
        fault.code ?? 'InternalServerError',
        fault.message ?? 'Failed on purpose',
        {
          status: fault.status ?? 500,
        },
      )
    case 'delay':
      await new Promise<void>((resolve) => clock.after(fault.ms, resolve))
      return 0
    case 'drop':
      throw new LostAnswer()
    case 'duplicate':
      return fault.times
    case 'kill':
      throw new TypeError('There is nothing to kill at this seam')
  }
}
