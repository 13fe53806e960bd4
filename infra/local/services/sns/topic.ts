/** One endpoint of a topic. */
export interface Subscription {
  readonly arn: string
  readonly topicArn: string
  readonly protocol: 'lambda' | 'sqs' | 'email' | 'email-json'
  /** Function ARN, queue ARN or address. */
  readonly endpoint: string
  /** The queue gets the message itself instead of the notification around it. */
  readonly isRaw: boolean
}

export interface Topic {
  readonly arn: string
  readonly name: string
  displayName: string | undefined
  /** `Policy` attribute as JSON text; undefined without a TopicPolicy. */
  policy: string | undefined
  readonly subscriptions: Map<string, Subscription>
}

export interface Publication {
  readonly messageId: string
  readonly subject: string | undefined
  readonly body: string
  readonly attributes: Readonly<Record<string, { readonly Type: string; readonly Value: string }>>
  readonly atMs: number
}

/** The `Sns` part of a Lambda event record, and with `Type` first the body of a queue message. Source: SNS Developer Guide, "message formats". */
export function notification(
  publication: Publication,
  subscription: Subscription,
): Readonly<Record<string, unknown>> {
  return {
    Type: 'Notification',
    MessageId: publication.messageId,
    TopicArn: subscription.topicArn,
    ...(publication.subject === undefined ? {} : { Subject: publication.subject }),
    Message: publication.body,
    Timestamp: new Date(publication.atMs).toISOString(),
    SignatureVersion: '1',
    Signature: 'EXAMPLE',
    SigningCertUrl: 'EXAMPLE',
    UnsubscribeUrl: 'EXAMPLE',
    MessageAttributes: publication.attributes,
  }
}

/** The event of a function subscribed to a topic: one record. */
export function lambdaEvent(publication: Publication, subscription: Subscription): unknown {
  return {
    Records: [
      {
        EventVersion: '1.0',
        EventSubscriptionArn: subscription.arn,
        EventSource: 'aws:sns',
        Sns: { Subject: null, ...notification(publication, subscription) },
      },
    ],
  }
}
