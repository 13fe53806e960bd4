import { propertiesOf } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type {
  Account,
  CreatedResource,
  ResolvedResource,
  ResourceProvider,
} from '../../platform/types.ts'
import type { Queue, QueueSettings } from './queue.ts'

/** SQS API, SetQueueAttributes: the documented defaults. */
const DEFAULTS = {
  visibilitySeconds: 30,
  retentionSeconds: 345_600,
  maxMessageBytes: 1_048_576,
} as const

/** `AWS::SQS::Queue`, standard queues only. Ref = queue URL; GetAtt Arn, QueueName, QueueUrl. */
export function queueProvider(
  account: Account,
  queues: { open(settings: QueueSettings): Queue; remove(name: string): void },
): ResourceProvider {
  const create = (resource: ResolvedResource): CreatedResource => {
    const settings = settingsOf(account, resource)
    const { url } = queues.open(settings)
    return { ref: url, attributes: { Arn: settings.arn, QueueName: settings.name, QueueUrl: url } }
  }
  return {
    type: 'AWS::SQS::Queue',
    properties: {
      QueueName: 'used',
      DelaySeconds: 'used',
      VisibilityTimeout: 'used',
      MessageRetentionPeriod: 'used',
      MaximumMessageSize: 'used',
      ReceiveMessageWaitTimeSeconds: 'used',
      RedrivePolicy: { deadLetterTargetArn: 'used', maxReceiveCount: 'used' },
      // Nothing is kept at rest, and every queue here belongs to one owner.
      SqsManagedSseEnabled: 'inert',
      KmsMasterKeyId: 'inert',
      KmsDataKeyReusePeriodSeconds: 'inert',
      RedriveAllowPolicy: 'inert',
      Tags: 'inert',
    },
    create,
    update(resource, previous) {
      const before = settingsOf(account, previous).name
      if (before !== settingsOf(account, resource).name) queues.remove(before)
      return create(resource)
    },
    delete: (resource) => queues.remove(settingsOf(account, resource).name),
  }
}

/** `AWS::SQS::QueuePolicy`: kept as the queue's `Policy` attribute. */
export function queuePolicyProvider(byUrl: (url: string) => Queue): ResourceProvider {
  const set = (resource: ResolvedResource, policy: string | undefined): void => {
    for (const url of propertiesOf(resource).texts('Queues')) byUrl(url).policy = policy
  }
  const create = (resource: ResolvedResource): CreatedResource => {
    set(resource, JSON.stringify(resource.properties['PolicyDocument']))
    return { ref: resource.logicalId }
  }
  return {
    type: 'AWS::SQS::QueuePolicy',
    properties: { Queues: ['used'], PolicyDocument: { '*': 'used' } },
    create,
    update: create,
    delete(resource) {
      set(resource, undefined)
    },
  }
}

function settingsOf(account: Account, resource: ResolvedResource): QueueSettings {
  const given = propertiesOf(resource)
  const name =
    given.optionalText('QueueName') ?? physicalName(account.stackName, resource.logicalId, 80)
  const redrive = given.nested('RedrivePolicy')
  return {
    name,
    arn: `arn:aws:sqs:${account.region}:${account.accountId}:${name}`,
    delaySeconds: given.optionalInteger('DelaySeconds') ?? 0,
    visibilityTimeoutSeconds:
      given.optionalInteger('VisibilityTimeout') ?? DEFAULTS.visibilitySeconds,
    retentionSeconds: given.optionalInteger('MessageRetentionPeriod') ?? DEFAULTS.retentionSeconds,
    receiveWaitSeconds: given.optionalInteger('ReceiveMessageWaitTimeSeconds') ?? 0,
    maxMessageBytes: given.optionalInteger('MaximumMessageSize') ?? DEFAULTS.maxMessageBytes,
    redrive: redrive && {
      deadLetterArn: redrive.text('deadLetterTargetArn'),
      maxReceiveCount: redrive.integer('maxReceiveCount'),
    },
  }
}
