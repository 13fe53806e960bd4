import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb'
import { KEY_SETS_PARTITION } from '../contract.ts'
import type { ConnectionsTable } from './connection-row.ts'
import { batchGet, conditionally } from './dynamo-client.ts'
import type { KeptKeySet, KeySetStore } from './key-set-store.ts'

/** Longer than a set may serve, so that the row's age is judged by its reader. */
const ROW_LIFE_SECONDS = 24 * 3_600
const END_LEASE = 'REMOVE leasedUntilMs, leasedBy'

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
    lease: ({ nowMs, untilMs, seenMs, owner }) =>
      update({
        UpdateExpression: 'SET leasedUntilMs = :until, leasedBy = :owner',
        ConditionExpression:
          '(attribute_not_exists(leasedUntilMs) OR leasedUntilMs <= :now) AND (attribute_not_exists(fetchedAtMs) OR fetchedAtMs <= :seen)',
        ExpressionAttributeValues: {
          ':now': nowMs,
          ':until': untilMs,
          ':seen': seenMs,
          ':owner': owner,
        },
      }),
    async keep({ text, fetchedAtMs }, owner) {
      const set = {
        UpdateExpression: 'SET #text = :text, fetchedAtMs = :at, #ttl = :ttl',
        ConditionExpression: '(attribute_not_exists(fetchedAtMs) OR fetchedAtMs <= :at)',
        ExpressionAttributeNames: { '#text': 'text', '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':text': text,
          ':at': fetchedAtMs,
          ':ttl': Math.ceil(fetchedAtMs / 1_000) + ROW_LIFE_SECONDS,
        },
      }
      const isDone = await update({
        ...set,
        UpdateExpression: `${set.UpdateExpression} ${END_LEASE}`,
        ConditionExpression: `${set.ConditionExpression} AND leasedBy = :owner`,
        ExpressionAttributeValues: { ...set.ExpressionAttributeValues, ':owner': owner },
      })
      if (isDone) return
      // Late, so that the lease is another's: the set may be the newest all the same. Or it is not: then only the lease ends.
      await update(set)
      await this.release(owner)
    },
    async release(owner) {
      await update({
        UpdateExpression: END_LEASE,
        ConditionExpression: 'leasedBy = :owner',
        ExpressionAttributeValues: { ':owner': owner },
      })
    },
  }
}
