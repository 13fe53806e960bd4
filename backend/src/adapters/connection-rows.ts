import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Connections, ConnectionSubscriptions } from '../core/connections/ports.ts'
import { everythingSubscribed } from '../core/connections/everything-subscribed.ts'
import { dynamoAlarmWatchers } from './dynamo-alarm-watchers.ts'
import { dynamoConnections } from './dynamo-connections.ts'
import { dynamoConnectionSubscriptions } from './dynamo-connection-subscriptions.ts'
import type { SubscriptionTables } from './dynamo-subscriptions.ts'

/** Every row of connections, in both tables: what closing and renewing a socket needs. */
export function connectionRows(
  client: DynamoDBDocumentClient,
  tables: SubscriptionTables,
): { readonly connections: Connections; readonly subscriptions: ConnectionSubscriptions } {
  return {
    connections: dynamoConnections({ client, table: tables.connectionsTable }),
    subscriptions: everythingSubscribed(
      dynamoConnectionSubscriptions(client, tables),
      dynamoAlarmWatchers({ client, table: tables.subscriptionsTable }),
    ),
  }
}
