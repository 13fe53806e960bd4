import { randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import type { Fields } from '../../platform/fields.ts'
import type { ApiRequest, Authorization, Clock } from '../../platform/types.ts'
import type { Queue } from './queue.ts'

/** AWS shows the last ten of a queue. */
const SHOWN = 10

interface MoveTask {
  readonly SourceArn: string
  readonly DestinationArn?: string
  readonly Status: 'COMPLETED' | 'FAILED'
  readonly FailureReason?: string
  readonly ApproximateNumberOfMessagesMoved: number
  readonly ApproximateNumberOfMessagesToMove: number
  readonly StartedTimestamp: number
}

/** `StartMessageMoveTask` and `ListMessageMoveTasks`. What is visible is moved at once, so a task is at its end when it is answered. */
export interface MoveTasks {
  start(input: Fields, request: ApiRequest): Record<string, unknown>
  list(input: Fields, request: ApiRequest): Record<string, unknown>
}

export function createMoveTasks(options: {
  readonly clock: Clock
  readonly authorization: Authorization
  all(): readonly Queue[]
}): MoveTasks {
  const tasks: MoveTask[] = []
  const byArn = (arn: string): Queue => {
    const queue = options.all().find(({ settings }) => settings.arn === arn)
    if (queue) return queue
    throw new AwsError(
      'ResourceNotFoundException',
      'The resource that you specified does not exist.',
    )
  }
  const run = (source: Queue, destinationArn: string | undefined): MoveTask => {
    const before = source.counts().visible
    const task = {
      SourceArn: source.settings.arn,
      ...(destinationArn !== undefined && { DestinationArn: destinationArn }),
      ApproximateNumberOfMessagesToMove: before,
      StartedTimestamp: options.clock.now(),
    }
    try {
      const moved = source.moveVisible(({ body, messageAttributes, deadLetterSourceArn }) => {
        const to = destinationArn ?? deadLetterSourceArn
        if (to === undefined)
          throw new AwsError('CouldNotDetermineMessageSource', 'CouldNotDetermineMessageSource')
        byArn(to).send({ body, messageAttributes })
      })
      return { ...task, Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: moved }
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      const moved = before - source.counts().visible
      return {
        ...task,
        Status: 'FAILED',
        FailureReason: error.code,
        ApproximateNumberOfMessagesMoved: moved,
      }
    }
  }
  const isDeadLetterQueue = (arn: string): boolean =>
    options.all().some(({ settings }) => settings.redrive?.deadLetterArn === arn)

  return {
    start(input, { principal }) {
      const source = byArn(input.text('SourceArn'))
      const destinationArn = input.optionalText('DestinationArn')
      options.authorization.check(principal, 'sqs:StartMessageMoveTask', source.settings.arn)
      if (destinationArn !== undefined) {
        byArn(destinationArn)
        options.authorization.check(principal, 'sqs:SendMessage', destinationArn)
      }
      if (!isDeadLetterQueue(source.settings.arn)) {
        throw new AwsError(
          'InvalidParameterValue',
          'Source queue must be configured as a Dead Letter Queue.',
        )
      }
      tasks.unshift(run(source, destinationArn))
      return { TaskHandle: Buffer.from(randomUUID()).toString('base64') }
    },
    list(input, { principal }) {
      const source = byArn(input.text('SourceArn'))
      options.authorization.check(principal, 'sqs:ListMessageMoveTasks', source.settings.arn)
      const max = Math.min(input.optionalInteger('MaxResults') ?? 1, SHOWN)
      const found = tasks.filter(({ SourceArn }) => SourceArn === source.settings.arn)
      return { Results: found.slice(0, max) }
    },
  }
}
