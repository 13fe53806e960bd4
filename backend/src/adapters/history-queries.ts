import { QueryCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { mergeHeads, type DeviceHead } from '../core/history/device-head.ts'
import { laneOf, type Lane } from '../core/history/lanes.ts'
import type { HistoryPart, LaneHeads, LatePart } from '../core/history/ports.ts'
import type { DeviceTopic } from '../protocol/index.ts'
import { batchGet, queryAll, type Key } from './dynamo-client.ts'
import { unpackBlocks, unpackHeads } from './history-items.ts'

export const lanePk = (lane: Lane): string => `lane#${lane}`
export const headKey = (shardId: string, lane: Lane): Key => ({
  pk: `head#${shardId}`,
  sk: `lane#${lane}`,
})
export const latePk = (topic: DeviceTopic): string => `late#${topic}`
export const SHARDS = 'shards'

/** One history or late row. */
export interface RowItem extends Key {
  readonly ttl: number
  /** Device topic → its blocks, packed. */
  readonly b: Readonly<Record<DeviceTopic, string>>
}
/** The heads of one shard and lane. */
export interface HeadItem extends Key {
  readonly h: string
}

interface Range {
  readonly topic: DeviceTopic
  readonly from: string
  readonly to: string
  readonly nowMs: number
}

/** The late rows of one device with keys in [from, to). */
export async function readLate(
  client: DynamoDBDocumentClient,
  table: string,
  { topic, from, to, nowMs }: Range,
): Promise<LatePart> {
  if (from > to) return { rows: [], next: undefined }
  const page = await client.send(
    new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      // `to` itself is a key that no row has: it ends where a position would begin.
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      FilterExpression: '#ttl > :now',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ':pk': latePk(topic),
        ':from': from,
        ':to': to,
        ':now': Math.floor(nowMs / 1_000),
      },
    }),
  )
  return {
    rows: ((page.Items ?? []) as RowItem[]).flatMap((item) =>
      unpackBlocks(topic, item.b[topic] ?? '[]').map((block) => ({ key: item.sk, block })),
    ),
    next: nextKey(page.LastEvaluatedKey),
  }
}

/** Just after the last key: no key lies between a text and the same with a character more. */
function nextKey(last: Record<string, unknown> | undefined): string | undefined {
  return last === undefined ? undefined : `${last.sk as string}-`
}

/** The blocks of one device in rows with keys in [from, to]. */
export async function readRows(
  client: DynamoDBDocumentClient,
  table: string,
  { topic, from, to, nowMs }: Range,
): Promise<HistoryPart> {
  if (from > to) return { blocks: [], next: undefined }
  const page = await client.send(
    new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      FilterExpression: '#ttl > :now AND attribute_exists(b.#topic)',
      ProjectionExpression: 'b.#topic',
      ExpressionAttributeNames: { '#ttl': 'ttl', '#topic': topic },
      ExpressionAttributeValues: {
        ':pk': lanePk(laneOf(topic)),
        ':from': from,
        ':to': to,
        ':now': Math.floor(nowMs / 1_000),
      },
    }),
  )
  return {
    blocks: ((page.Items ?? []) as Pick<RowItem, 'b'>[]).flatMap((item) =>
      unpackBlocks(topic, item.b[topic] ?? '[]'),
    ),
    next: nextKey(page.LastEvaluatedKey),
  }
}

/** The heads of these lanes over every shard that ever wrote one. The list of shards is written before a shard's first head. */
export async function readHeads(
  client: DynamoDBDocumentClient,
  table: string,
  lanes: readonly Lane[],
): Promise<ReadonlyMap<Lane, LaneHeads>> {
  const shards = await queryAll<{ sk: string }>(client, {
    TableName: table,
    KeyConditionExpression: 'pk = :shards',
    ExpressionAttributeValues: { ':shards': SHARDS },
  })
  const keys = shards.flatMap((shard) => lanes.map((lane) => headKey(shard.sk, lane)))
  const items = await batchGet<HeadItem>(client, table, keys)
  const byLane = new Map<Lane, Map<DeviceTopic, DeviceHead>>(
    lanes.map((lane) => [lane, new Map<DeviceTopic, DeviceHead>()]),
  )
  for (const item of items) {
    const lane = byLane.get(laneFrom(item.sk))
    for (const [topic, head] of unpackHeads(item.h)) {
      const known = lane?.get(topic)
      lane?.set(topic, known ? mergeHeads(known, head) : head)
    }
  }
  return byLane
}

export function laneFrom(sk: string): Lane {
  return sk.slice('lane#'.length)
}
