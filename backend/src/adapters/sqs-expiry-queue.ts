import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { ExpiryQueue } from '../core/connections/ports.ts'

/** SQS delays a message by at most 15 minutes (SendMessage, DelaySeconds). */
const MAX_DELAY_SECONDS = 900

/** ExpiryMessage-ups as delayed SQS messages: `{connectionId, reason}` in JSON. */
export function sqsWakeQueue(at: {
  readonly client: SQSClient
  readonly url: string
}): ExpiryQueue {
  return {
    async send(message, delaySeconds) {
      await at.client.send(
        new SendMessageCommand({
          QueueUrl: at.url,
          MessageBody: JSON.stringify(message),
          DelaySeconds: Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.ceil(delaySeconds))),
        }),
      )
    },
  }
}

/** The queue at `url` with a client of its own. */
export const createExpiryQueue = (url: string): ExpiryQueue =>
  sqsWakeQueue({ client: new SQSClient({ maxAttempts: 3 }), url })
