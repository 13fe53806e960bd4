import {
  DeleteCommand,
  PutCommand,
  UpdateCommand,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'
import type { AlarmWatchers } from '../core/alarms/ports.ts'
import { conditionally, queryAll } from './dynamo-client.ts'

const PARTITION = '!alarms'

/** Who watches alarms, in the Subscriptions table. Throws the SDK's errors. */
export function dynamoAlarmWatchers(at: {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}): AlarmWatchers {
  return {
    async add(connectionId, expiresAt) {
      const Item = { pk: PARTITION, sk: connectionId, expiresAt, ttl: expiresAt }
      await at.client.send(new PutCommand({ TableName: at.table, Item }))
    },
    async renew(connectionId, expiresAt) {
      await conditionally(
        at.client.send(
          new UpdateCommand({
            TableName: at.table,
            Key: { pk: PARTITION, sk: connectionId },
            UpdateExpression: 'SET expiresAt = :end, #ttl = :end',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeNames: { '#ttl': 'ttl' },
            ExpressionAttributeValues: { ':end': expiresAt },
          }),
        ),
      )
    },
    async all(nowMs) {
      const rows = await queryAll<{ sk: string; expiresAt: number }>(at.client, {
        TableName: at.table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': PARTITION },
      })
      return rows.filter(({ expiresAt }) => expiresAt * 1_000 > nowMs).map(({ sk }) => sk)
    },
    async remove(connectionId) {
      const Key = { pk: PARTITION, sk: connectionId }
      await at.client.send(new DeleteCommand({ TableName: at.table, Key }))
    },
  }
}
