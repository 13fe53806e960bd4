import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Connections, ConnectionSubscriptions } from '../core/connections/ports.ts'
import { connectionSubscriptions } from '../core/subscriptions/connection-subscriptions.ts'
import { everythingSubscribed } from '../core/alarms/everything-subscribed.ts'
import type { Subscriptions } from '../core/subscriptions/ports.ts'
import { dynamoAlarmWatchers } from './dynamo-alarm-watchers.ts'
import { dynamoConnections } from './dynamo-connections.ts'
import { dynamoSubscriptions, type SubscriptionTables } from './dynamo-subscriptions.ts'

/** Every row of connections, in both tables: what closing and renewing a socket needs. */
export function connectionRows(
  client: DynamoDBDocumentClient,
  tables: SubscriptionTables,
  rows: Subscriptions = dynamoSubscriptions(client, tables),
): { readonly connections: Connections; readonly subscriptions: ConnectionSubscriptions } {
  return {
    connections: dynamoConnections({ client, table: tables.connectionsTable }),
    subscriptions: everythingSubscribed(
      connectionSubscriptions(rows),
      dynamoAlarmWatchers({ client, table: tables.subscriptionsTable }),
    ),
  }
}
