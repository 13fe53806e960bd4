import { AwsError } from '../../platform/errors.ts'
import type { Authorization, Queues, Topics } from '../../platform/types.ts'
import type { SendTo } from './async-invocations.ts'

/**
 * Sends to the SQS queue, SNS topic or function that an ARN names, as the function's role (its policies must allow it). Rejects
 * with AwsError when the role may not or the kind of target is not emulated.
 */
export function destinationSender(options: {
  readonly authorization: Authorization
  readonly queues?: () => Queues
  readonly topics?: () => Topics
  readonly invoke: (functionArn: string, payload: unknown) => Promise<void>
}): SendTo {
  return async (targetArn, body, { roleArn, attributes }) => {
    const service = targetArn.split(':')[2]
    const principal = { arn: roleArn, roleArn }
    if (service === 'sqs' && options.queues) {
      options.authorization.check(principal, 'sqs:SendMessage', targetArn)
      await options.queues().send(targetArn, body, attributes)
    } else if (service === 'sns' && options.topics) {
      options.authorization.check(principal, 'sns:Publish', targetArn)
      await options.topics().publish(targetArn, { body })
    } else if (service === 'lambda') {
      options.authorization.check(principal, 'lambda:InvokeFunction', targetArn)
      await options.invoke(targetArn, JSON.parse(body))
    } else {
      throw new AwsError('NotEmulated', `A destination of service '${service}' is not emulated`)
    }
  }
}
