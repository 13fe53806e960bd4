import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb'
import { KEY_SETS_PARTITION } from '../contract.ts'
import type { ConnectionsTable } from './connection-row.ts'
import { batchGet, conditionally } from './dynamo-client.ts'
import type { KeptKeySet, KeySetStore } from './key-set-store.ts'

/** Longer than a set may serve, so that the row's age is judged by its reader. */
const ROW_LIFE_SECONDS = 24 * 3_600

/**
 * The key set of one JWKS address in the Connections table. Its partition is the only one that the authorizer's role may write
 * (`dynamodb:LeadingKeys`). Throws the SDK's errors.
 */
export function dynamoKeySets({ client, table }: ConnectionsTable, jwksUri: string): KeySetStore {
  const key = { pk: KEY_SETS_PARTITION, sk: jwksUri }
  /** Whether the condition held. */
  const update = (input: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<boolean> =>
    conditionally(client.send(new UpdateCommand({ TableName: table, Key: key, ...input })))
  return {
    async read() {
      const [row] = await batchGet<KeptKeySet>(client, table, [key])
      return row ?? {}
    },
    lease: ({ nowMs, untilMs, seenMs }) =>
      update({
        UpdateExpression: 'SET leasedUntilMs = :until',
        ConditionExpression:
          '(attribute_not_exists(leasedUntilMs) OR leasedUntilMs <= :now) AND (attribute_not_exists(fetchedAtMs) OR fetchedAtMs <= :seen)',
        ExpressionAttributeValues: { ':now': nowMs, ':until': untilMs, ':seen': seenMs },
      }),
    async keep({ text, fetchedAtMs }) {
      const isNewest = await update({
        UpdateExpression: 'SET #text = :text, fetchedAtMs = :at, #ttl = :ttl REMOVE leasedUntilMs',
        ConditionExpression: 'attribute_not_exists(fetchedAtMs) OR fetchedAtMs <= :at',
        ExpressionAttributeNames: { '#text': 'text', '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':text': text,
          ':at': fetchedAtMs,
          ':ttl': Math.ceil(fetchedAtMs / 1_000) + ROW_LIFE_SECONDS,
        },
      })
      if (!isNewest) await this.release()
    },
    async release() {
      await update({ UpdateExpression: 'REMOVE leasedUntilMs' })
    },
  }
}
