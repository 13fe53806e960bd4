import { AwsError } from '../../platform/errors.ts'
import type { Clock, Faults } from '../../platform/types.ts'
import type { LocalFunction, RunRequest, RunResult } from './local-function.ts'

/**
 * Runs one event through the seam `lambda.invoke`, target = function name. A failure of the function is an answer and counted in Errors; a
 * throttle (counted in Throttles) and a failure of the service are AwsErrors (LAMBDA-1, LAMBDA-14, LAMBDA-20).
 */
export async function runThroughSeam(
  ports: { readonly clock: Clock; readonly faults: Faults },
  fn: LocalFunction,
  call: {
    readonly event: string
    readonly request: RunRequest
    readonly abandoned?: AbortSignal
  },
): Promise<RunResult> {
  const { event, request, abandoned } = call
  const run = (): Promise<RunResult> => fn.run(event, request, abandoned)
  const fault = ports.faults.at('lambda.invoke', fn.config.name)
  switch (fault?.kind) {
    case undefined:
      return run()
    case 'throttle':
      fn.putMetric('Throttles', { value: 1, unit: 'Count', timestampMs: ports.clock.now() })
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', {
        status: 429,
        extra: { Reason: 'ConcurrentInvocationLimitExceeded', Type: 'User' },
      })
    case 'error': {
      const { code, status, message = 'Failed on purpose' } = fault
      if (status !== undefined) throw new AwsError(code ?? 'ServiceException', message, { status })
      return fn.fail(request, { errorType: code ?? 'Error', errorMessage: message, trace: [] })
    }
    case 'delay':
      await new Promise<void>((resolve) => ports.clock.after(fault.ms, resolve))
      return run()
    case 'drop':
      await run()
      throw new AwsError('ServiceException', 'The answer was lost on purpose', { status: 500 })
    case 'duplicate':
      for (let times = 0; times < fault.times; times++) await run()
      return run()
    case 'kill':
      return fn.run(event, { ...request, killAfterMs: fault.ms }, abandoned)
  }
}
