import { AwsError } from '../../platform/errors.ts'
import type { Clock, Faults } from '../../platform/types.ts'
import { runThroughSeam } from './invoke-seam.ts'
import type { LocalFunction, RunResult } from './local-function.ts'

/** How often and how long an asynchronous event is tried, and where it goes then (CFN-12, LAMBDA-21). */
export interface EventInvokeConfig {
  /** 0–2. */
  readonly maximumRetryAttempts: number
  /** 60–21600. */
  readonly maximumEventAgeSeconds: number
  readonly onSuccessArn: string | undefined
  readonly onFailureArn: string | undefined
}

/** LAMBDA-19 and LAMBDA-21: AWS's defaults. */
export const defaultEventInvokeConfig: EventInvokeConfig = {
  maximumRetryAttempts: 2,
  maximumEventAgeSeconds: 21_600,
  onSuccessArn: undefined,
  onFailureArn: undefined,
}

/** Puts a message where a dead-letter queue or a destination points. */
export type SendTo = (
  targetArn: string,
  body: string,
  options: {
    readonly roleArn: string
    readonly attributes?: Readonly<Record<string, string>>
  },
) => Promise<void>

export interface AsyncInvocations {
  /** Takes an event; runs it soon. Settles when nothing more will happen to it (tests), never rejects. */
  accept(fn: LocalFunction, event: string, requestId: string): Promise<void>
}

interface AsyncEvent {
  readonly fn: LocalFunction
  readonly event: string
  readonly requestId: string
  /** On the monotonic clock. */
  readonly acceptedMs: number
  invokeCount: number
}

type Condition = 'RetriesExhausted' | 'EventAgeExceeded' | 'Success'

const FIRST_RETRY_MS = 60_000
const SECOND_RETRY_MS = 120_000
/** LAMBDA-20: throttles back off from 1 s to 5 min. */
const THROTTLE_BACKOFF_MS = 1000
const THROTTLE_BACKOFF_MAX_MS = 300_000

export function createAsyncInvocations(options: {
  readonly clock: Clock
  readonly faults: Faults
  readonly configOf: (functionName: string) => EventInvokeConfig
  readonly sendTo: SendTo
}): AsyncInvocations {
  const { clock } = options
  const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))

  async function attempts(event: AsyncEvent): Promise<void> {
    const { fn } = event
    let retries = 0
    let backoffMs = THROTTLE_BACKOFF_MS
    for (;;) {
      const config = options.configOf(fn.config.name)
      const ageMs = clock.monotonic() - event.acceptedMs
      // The age counts against the limit only when it is tried again: the first attempt is always made.
      if (event.invokeCount > 0 && ageMs > config.maximumEventAgeSeconds * 1000)
        return give(event, 'EventAgeExceeded', undefined)
      // LAMBDA-24: nothing can ever run, so nothing is tried.
      if (fn.config.reservedConcurrency === 0) return give(event, 'RetriesExhausted', undefined)
      const result = await attempt(event)
      if (fn.isStopped()) return
      if (result === 'throttled') {
        await wait(backoffMs)
        backoffMs = Math.min(backoffMs * 2, THROTTLE_BACKOFF_MAX_MS)
        if (clock.monotonic() - event.acceptedMs > config.maximumEventAgeSeconds * 1000)
          return give(event, 'EventAgeExceeded', undefined)
        continue
      }
      if (result.functionError === undefined) return give(event, 'Success', result)
      if (retries >= config.maximumRetryAttempts) return give(event, 'RetriesExhausted', result)
      await wait(retries === 0 ? FIRST_RETRY_MS : SECOND_RETRY_MS)
      retries++
    }
  }

  async function attempt(event: AsyncEvent): Promise<RunResult | 'throttled'> {
    const { fn, requestId } = event
    const ageMs = clock.monotonic() - event.acceptedMs
    fn.putMetric('AsyncEventAge', {
      value: ageMs,
      unit: 'Milliseconds',
      timestampMs: clock.now(),
    })
    try {
      const request = { requestId, functionArn: fn.config.arn }
      const result = await runThroughSeam(options, fn, { event: event.event, request })
      event.invokeCount++
      return result
    } catch (error) {
      // LAMBDA-20: a throttle and an error of the service itself are tried again the same way.
      if (error instanceof AwsError) return 'throttled'
      throw error
    }
  }

  async function give(
    event: AsyncEvent,
    condition: Condition,
    result: RunResult | undefined,
  ): Promise<void> {
    const { fn } = event
    const config = options.configOf(fn.config.name)
    const count = (name: string) =>
      fn.putMetric(name, { value: 1, unit: 'Count', timestampMs: clock.now() })
    const { roleArn } = fn.config
    const target = condition === 'Success' ? config.onSuccessArn : config.onFailureArn
    if (target !== undefined)
      await options
        .sendTo(target, destinationRecord(event, condition, { result, nowMs: clock.now() }), {
          roleArn,
        })
        .catch(() => {
          count('DestinationDeliveryFailures')
        })
    if (condition === 'Success') return
    count('AsyncEventsDropped')
    if (fn.config.deadLetterArn !== undefined)
      await options
        .sendTo(fn.config.deadLetterArn, event.event, {
          roleArn,
          attributes: deadLetterAttributes(event.requestId, result),
        })
        .catch(() => {
          count('DeadLetterErrors')
        })
  }

  return {
    async accept(fn, event, requestId) {
      fn.putMetric('AsyncEventsReceived', { value: 1, unit: 'Count', timestampMs: clock.now() })
      const fault = options.faults.at('lambda.async', fn.config.name)
      // LAMBDA-22: the same event can run more than once without any error.
      const times = fault?.kind === 'duplicate' ? 1 + fault.times : 1
      if (fault?.kind === 'drop') return
      if (fault?.kind === 'delay') await wait(fault.ms)
      const runs = Array.from({ length: times }, () =>
        attempts({ fn, event, requestId, acceptedMs: clock.monotonic(), invokeCount: 0 }),
      )
      await Promise.all(runs)
    },
  }
}

/** LAMBDA-23: the attributes that come with the bare event. */
function deadLetterAttributes(
  requestId: string,
  result: RunResult | undefined,
): Record<string, string> {
  const failure = result && (JSON.parse(result.body) as { readonly errorMessage?: string })
  return {
    RequestID: requestId,
    ErrorCode: result ? '200' : '429',
    ErrorMessage: (failure?.errorMessage ?? 'Rate Exceeded.').slice(0, 1024),
  }
}

/** LAMBDA-23: the invocation record that a destination gets. */
function destinationRecord(
  event: AsyncEvent,
  condition: Condition,
  options: { readonly result: RunResult | undefined; readonly nowMs: number },
): string {
  const { result, nowMs } = options
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date(nowMs).toISOString(),
    requestContext: {
      requestId: event.requestId,
      functionArn: `${event.fn.config.arn}:$LATEST`,
      condition,
      approximateInvokeCount: event.invokeCount,
    },
    requestPayload: JSON.parse(event.event) as unknown,
    ...(result && {
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        ...(result.functionError && { functionError: result.functionError }),
      },
      responsePayload: JSON.parse(result.body) as unknown,
    }),
  })
}
