import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { Admission, Connection, CloseReason } from '../core/connections/ports.ts'
import { limits } from '../protocol/index.ts'
import {
  metaKey,
  readMeta,
  toConnection,
  type ConnectionsTable as Table,
} from './connection-row.ts'

const MESSAGE_INTERVAL_MS = 1_000 / limits.messagesPerSecond
/** Optimistic attempts: messages of one connection run side by side (APIGW-13). */
const ADMIT_ATTEMPTS = 3

/** The bucket's attributes in a new connection row. */
export const emptyBucket = { tat: 0, strikes: 0 } as const

/** Counts one message against the token bucket in the connection's row. Throws the SDK's errors. */
export async function admitMessage(
  at: Table,
  connectionId: string,
  nowMs: number,
): Promise<Admission> {
  for (let attempt = 0; attempt < ADMIT_ATTEMPTS; attempt++) {
    const connection =
      (await spend(at, connectionId, nowMs, 'calm')) ??
      (await spend(at, connectionId, nowMs, 'busy'))
    if (connection) return { outcome: 'admitted', connection }
    const refused = await strike(at, connectionId, nowMs)
    if (refused) return refused
  }
  return { outcome: 'limited', retryAfterMs: MESSAGE_INTERVAL_MS, strikes: 0 }
}

/**
 * The token bucket as one number, the time at which the bucket is empty again (GCRA), because an update expression has no maximum:
 * `calm` = it is empty now, `busy` = it has room.
 */
async function spend(
  { client, table }: Table,
  connectionId: string,
  nowMs: number,
  state: 'calm' | 'busy',
): Promise<Connection | undefined> {
  const calm = state === 'calm'
  try {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: table,
        Key: metaKey(connectionId),
        UpdateExpression: calm
          ? 'SET tat = :next, lastSeenAt = :now, strikes = :none'
          : 'SET tat = tat + :interval, lastSeenAt = :now',
        ConditionExpression: calm ? 'tat < :now' : 'tat >= :now AND tat <= :full',
        ExpressionAttributeValues: {
          ':now': nowMs,
          ...(calm
            ? { ':next': nowMs + MESSAGE_INTERVAL_MS, ':none': 0 }
            : {
                ':interval': MESSAGE_INTERVAL_MS,
                ':full': nowMs + (limits.messagesBurst - 1) * MESSAGE_INTERVAL_MS,
              }),
        },
        ReturnValues: 'ALL_NEW',
      }),
    )
    return toConnection(Attributes)
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined
    throw error
  }
}

/** Counts a refused message. `undefined`: the bucket has room after all, another message's write came between. */
async function strike(
  { client, table }: Table,
  connectionId: string,
  nowMs: number,
): Promise<Admission | undefined> {
  try {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: table,
        Key: metaKey(connectionId),
        UpdateExpression: 'SET strikes = strikes + :one, lastSeenAt = :now',
        ConditionExpression: 'tat > :full',
        ExpressionAttributeValues: {
          ':one': 1,
          ':now': nowMs,
          ':full': nowMs + (limits.messagesBurst - 1) * MESSAGE_INTERVAL_MS,
        },
        ReturnValues: 'ALL_NEW',
      }),
    )
    const { tat, strikes } = Attributes as { tat: number; strikes: number }
    const retryAfterMs = tat - nowMs - (limits.messagesBurst - 1) * MESSAGE_INTERVAL_MS
    return { outcome: 'limited', retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)), strikes }
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
    const item = await readMeta({ client, table }, connectionId)
    if (toConnection(item)) return undefined
    const closedFor = item?.['closedFor'] as CloseReason | undefined
    return { outcome: 'unknown', ...(closedFor === undefined ? {} : { closedFor }) }
  }
}
