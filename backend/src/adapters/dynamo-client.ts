import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand,
  BatchWriteCommand,
  DynamoDBDocumentClient,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { awaitAll } from '../core/run-pool.ts'
import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { withoutUserAgent } from './user-agent.ts'

/** An item as lib-dynamodb gives it; each adapter gives its rows a type where it reads them. */
export type Item = Record<string, unknown>
export type Key = { readonly pk: string; readonly sk: string }

/**
 * The document client that every adapter shares: sockets kept open between events, three attempts (DDB-13), and an
 * answer within 3 s an attempt, so that a hung call cannot take the function's whole time.
 */
export function createDynamo(): DynamoDBDocumentClient {
  const agent = { keepAlive: true, maxSockets: 64 }
  const client = new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      requestTimeout: 3_000,
      throwOnRequestTimeout: true,
      httpAgent: new Agent(agent),
      httpsAgent: new SecureAgent(agent),
    }),
  })
  withoutUserAgent(client)
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
}

/** Every item of a query, over all its pages (DDB-6), strongly consistent. */
export async function queryAll<Row = Item>(
  dynamo: DynamoDBDocumentClient,
  input: QueryCommandInput,
): Promise<Row[]> {
  const rows: Row[] = []
  const pages = paginateQuery({ client: dynamo }, { ConsistentRead: true, ...input })
  for await (const page of pages) rows.push(...((page.Items ?? []) as Row[]))
  return rows
}

/** Whether the condition of a write held. Rejects with every other error. */
export async function conditionally(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}

const GET_LIMIT = 100
const WRITE_LIMIT = 25
const ROUNDS = 8

/**
 * The items of these keys that exist, in no order, strongly consistent; 100 a call, unprocessed ones asked for again
 * (DDB-9). Throws when DynamoDB leaves some unprocessed {@link ROUNDS} times.
 */
export async function batchGet<Row = Item>(
  dynamo: DynamoDBDocumentClient,
  table: string,
  keys: readonly Key[],
): Promise<Row[]> {
  const rows: Row[] = []
  await awaitAll(
    chunks(keys, GET_LIMIT).map(async (chunk) => {
      let rest: readonly Key[] = chunk
      for (let round = 0; rest.length > 0; round++) {
        await backOff(round, table)
        const answer = await dynamo.send(
          new BatchGetCommand({
            RequestItems: { [table]: { Keys: [...rest], ConsistentRead: true } },
          }),
        )
        rows.push(...((answer.Responses?.[table] ?? []) as Row[]))
        rest = (answer.UnprocessedKeys?.[table]?.Keys ?? []) as unknown as readonly Key[]
      }
    }),
  )
  return rows
}

export type Write = { readonly put: Item & Key } | { readonly remove: Key }

/**
 * Puts and deletes, 25 a call, unprocessed ones sent again (DDB-9). No order between them; no key twice. Throws when
 * DynamoDB leaves some unprocessed {@link ROUNDS} times.
 */
export async function batchWrite(
  dynamo: DynamoDBDocumentClient,
  table: string,
  writes: readonly Write[],
): Promise<void> {
  const requests = writes.map((write) =>
    'put' in write
      ? { PutRequest: { Item: write.put } }
      : { DeleteRequest: { Key: { ...write.remove } } },
  )
  await awaitAll(
    chunks(requests, WRITE_LIMIT).map(async (chunk) => {
      let rest: typeof chunk = chunk
      for (let round = 0; rest.length > 0; round++) {
        await backOff(round, table)
        try {
          const answer = await dynamo.send(
            new BatchWriteCommand({ RequestItems: { [table]: [...rest] } }),
          )
          rest = (answer.UnprocessedItems?.[table] ?? []) as unknown as typeof chunk
        } catch (error) {
          // Of a rest, or of one alone, none got through: that is a throttle as any other. Of many, the table takes nothing now.
          const isRest = round > 0 || chunk.length === 1
          if (!isRest || !isThrottle(error)) throw error
        }
      }
    }),
  )
}

function isThrottle(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'ProvisionedThroughputExceededException' ||
      error.name === 'ThrottlingException' ||
      error.name === 'RequestLimitExceeded')
  )
}

/** Full jitter, doubling from 20 ms: what came back unprocessed was throttled. */
async function backOff(round: number, table: string): Promise<void> {
  if (round === 0) return
  if (round >= ROUNDS) throw new Error(`${table}: items stayed unprocessed after ${ROUNDS} rounds`)
  const delayMs = Math.random() * 20 * 2 ** round
  await new Promise((resolve) => setTimeout(resolve, delayMs))
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: T[][] = []
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size))
  return parts
}
