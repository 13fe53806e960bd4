export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  /** Base64. */
  readonly BinaryValue?: string
}

export interface Message {
  readonly messageId: string
  readonly body: string
  readonly md5OfBody: string
  readonly messageAttributes: Readonly<Record<string, MessageAttribute>>
  readonly senderId: string
  readonly sentMs: number
  visibleAtMs: number
  firstReceivedMs: number | undefined
  receiveCount: number
  receiptHandle: string | undefined
  /** Of one that a queue gave up: the queue's ARN (`DeadLetterQueueSourceArn`). */
  readonly deadLetterSourceArn?: string
}
