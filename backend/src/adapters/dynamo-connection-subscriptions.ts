import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { ConnectionSubscriptions } from '../core/connections/ports.ts'
import { removeConnection } from '../core/subscriptions/remove-connection.ts'
import { renewConnection } from '../core/subscriptions/renew-connection.ts'
import { dynamoSubscriptions, type SubscriptionTables } from './dynamo-subscriptions.ts'

/** What the life of a connection does to its subscriptions. */
export function dynamoConnectionSubscriptions(
  client: DynamoDBDocumentClient,
  tables: SubscriptionTables,
): ConnectionSubscriptions {
  const subscriptions = dynamoSubscriptions(client, tables)
  return {
    countOf: (connectionIds) => subscriptions.countOf(connectionIds),
    async removeConnection(connectionId) {
      await removeConnection(connectionId, subscriptions)
    },
    renewConnection: (connectionId, identity) =>
      renewConnection(connectionId, identity, subscriptions),
  }
}
