import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createSubscriberCounts } from '../core/subscriber-count/announce-in-batch.ts'
import { announcingSubscriptions } from '../core/subscriber-count/announcing-subscriptions.ts'
import type { SubscriberCounts } from '../core/subscriber-count/ports.ts'
import type { Subscriptions } from '../core/subscriptions/ports.ts'
import type { Log } from '../core/telemetry-sink.ts'
import { dynamoAudiences } from './dynamo-audiences.ts'
import { dynamoSubscriptions, type SubscriptionTables } from './dynamo-subscriptions.ts'
import { iotDemandMessages } from './iot-device-messages.ts'
import { systemClock as clock } from './system-clock.ts'

interface DemandSetting {
  /** `on`: devices are told how many watch them. */
  readonly demandMessages: string
}

/** How `deliver` tells devices how many watch them; undefined when it does not. */
export function subscriberCounts(
  { demandMessages }: DemandSetting,
  log: Log,
): SubscriberCounts | undefined {
  return demandMessages === 'on'
    ? createSubscriberCounts({ messages: iotDemandMessages(), clock, log })
    : undefined
}

/** {@link dynamoSubscriptions}, with devices told of changes when that is on. */
export function subscriptionsWithCounts(
  client: DynamoDBDocumentClient,
  config: SubscriptionTables & DemandSetting,
  log: Log,
): Subscriptions {
  const subscriptions = dynamoSubscriptions(client, config)
  if (config.demandMessages !== 'on') return subscriptions
  const audiences = dynamoAudiences(client, config)
  return announcingSubscriptions(subscriptions, {
    audiences,
    messages: iotDemandMessages(),
    clock,
    log,
  })
}
