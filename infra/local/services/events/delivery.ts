import { AwsError } from '../../platform/errors.ts'
import { LostAnswer, passSeam } from '../../platform/seam.ts'
import type { Clock, Faults, Functions, Queues, Topics } from '../../platform/types.ts'
import type { Rule, Target } from './rule.ts'

export interface DeliveryOptions {
  readonly clock: Clock
  readonly functions: Functions
  readonly queues: Queues
  readonly topics: Topics
  readonly faults?: Faults
  /** How an attempt or the whole delivery ended, for the metrics. */
  count(rule: Rule, name: string): void
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 300_000
/** Retrying cannot help. */
const PERMANENT = new Set([
  'AccessDeniedException',
  'ResourceNotFoundException',
  'QueueDoesNotExist',
  'NotFound',
])

/** Brings one event to one target, with the target's retries and dead-letter queue. Seam `events.target`, target = its ARN. Never throws AwsError. */
export async function deliver(
  rule: Rule,
  target: Target,
  {
    event,
    options,
  }: { readonly event: Readonly<Record<string, unknown>>; readonly options: DeliveryOptions },
): Promise<void> {
  const { clock } = options
  const startMs = clock.monotonic()
  for (let retries = 0; ; retries++) {
    const failure = await attempt(rule, target, { event, options })
    if (!failure) {
      options.count(rule, 'Invocations')
      return
    }
    const isOver =
      PERMANENT.has(failure.code) ||
      retries >= target.maxRetries ||
      clock.monotonic() - startMs >= target.maxAgeMs
    if (isOver) {
      options.count(rule, 'FailedInvocations')
      await giveUp(rule, target, { event, options, failure, retries })
      return
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(retries, 10))
    await new Promise<void>((resolve) => clock.after(pauseMs, resolve))
  }
}

async function attempt(
  rule: Rule,
  target: Target,
  {
    event,
    options,
  }: { readonly event: Readonly<Record<string, unknown>>; readonly options: DeliveryOptions },
): Promise<AwsError | undefined> {
  try {
    await passSeam(options, 'events.target', target.arn)
    await send(rule, target, { input: target.input(event), options })
    return undefined
  } catch (error) {
    if (error instanceof AwsError) return error
    if (error instanceof LostAnswer) return new AwsError('SdkException', error.message)
    throw error
  }
}

async function send(
  rule: Rule,
  target: Target,
  { input, options }: { readonly input: unknown; readonly options: DeliveryOptions },
): Promise<void> {
  const service = target.arn.split(':')[2]
  if (service === 'lambda') {
    await options.functions.invoke({
      functionName: target.arn,
      payload: input,
      invocationType: 'Event',
      invokedBy: { service: 'events.amazonaws.com', sourceArn: rule.arn },
    })
    return
  }
  const body = typeof input === 'string' ? input : JSON.stringify(input)
  if (service === 'sqs') await options.queues.send(target.arn, body)
  else {
    const publishedBy = { service: 'events.amazonaws.com', sourceArn: rule.arn }
    await options.topics.publish(target.arn, { body, publishedBy })
  }
}

/** Source: EventBridge User Guide, "Using dead-letter queues": the event, and why in message attributes. */
async function giveUp(
  rule: Rule,
  target: Target,
  context: {
    readonly event: Readonly<Record<string, unknown>>
    readonly options: DeliveryOptions
    readonly failure: AwsError
    readonly retries: number
  },
): Promise<void> {
  if (target.deadLetterArn === undefined) return
  try {
    await context.options.queues.send(target.deadLetterArn, JSON.stringify(context.event), {
      RULE_ARN: rule.arn,
      TARGET_ARN: target.arn,
      ERROR_CODE: context.failure.code,
      ERROR_MESSAGE: context.failure.message,
      RETRY_ATTEMPTS: String(context.retries),
    })
    context.options.count(rule, 'InvocationsSentToDlq')
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    context.options.count(rule, 'InvocationsFailedToBeSentToDlq')
  }
}
