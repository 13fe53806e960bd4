import { PutCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Clock } from '../core/clock.ts'
import type { DeviceBlock } from '../core/blocks/device-block.ts'
import { allLanes, laneOf } from '../core/history/lanes.ts'
import {
  DEVICE_FORGOTTEN_MS,
  type HistoryReader,
  type HistoryRow,
  type HistoryWriter,
  type LateRow,
} from '../core/history/ports.ts'
import { arrivalOf, type DeviceTopic } from '../protocol/index.ts'
import { batchGet, batchWrite, queryAll } from './dynamo-client.ts'
import { createHeadMemory } from './head-memory.ts'
import { packBlocks } from './history-items.ts'
import {
  headKey,
  laneFrom,
  lanePk,
  latePk,
  readHeads,
  readLate,
  readRows,
  SHARDS,
  type HeadItem,
  type RowItem,
} from './history-queries.ts'
import { systemClock } from './system-clock.ts'

export interface HistoryAt {
  readonly client: DynamoDBDocumentClient
  readonly table: string
  /** How long readings are kept. */
  readonly retentionMs: number
  readonly clock?: Clock
}

const FORGOTTEN_SECONDS = DEVICE_FORGOTTEN_MS / 1_000
/** How often an execution environment writes again that a shard exists: it may live longer than that row. */
const SHARD_RENEWED_SECONDS = 24 * 3_600

/** The History table: rows by lane, heads by shard and lane, late readings by device (docs/architecture.md, "Keys"). */
export function dynamoHistory(at: HistoryAt): HistoryReader & HistoryWriter {
  return { ...historyReader(at), ...historyWriter(at) }
}

function historyWriter({
  client,
  table,
  retentionMs,
  clock = systemClock,
}: HistoryAt): HistoryWriter {
  /** Epoch seconds at which each shard was last written down. */
  const shards = new Map<string, number>()
  const memory = createHeadMemory()
  const ttlOf = (arrivalMs: number): number => Math.ceil((arrivalMs + retentionMs) / 1_000)
  return {
    async headsOf(shardId, lanes) {
      const items = await batchGet<HeadItem>(
        client,
        table,
        lanes.map((lane) => headKey(shardId, lane)),
      )
      const heads = new Map(
        items.map(({ sk, h }) => [laneFrom(sk), memory.read(`${shardId}|${laneFrom(sk)}`, h)]),
      )
      const missing = lanes.filter((lane) => !heads.has(lane))
      if (missing.length === 0) return heads
      // A new shard's devices go on where its parents left them (KINESIS-16: parents are read to their end first).
      const elsewhere = await readHeads(client, table, missing)
      return new Map([...heads, ...elsewhere])
    },
    async writeRows(rows) {
      const puts = rows.map((row) => ({ put: rowItem(row, ttlOf(arrivalOf(row.key))) }))
      await batchWrite(client, table, puts)
    },
    async writeLate(rows) {
      const puts = rows.map((row) => ({
        put: lateItem(row, ttlOf(arrivalOf(row.block.positions[0] ?? ''))),
      }))
      await batchWrite(client, table, puts)
    },
    async writeHeads(shardId, heads) {
      const nowSeconds = Math.ceil(clock.now() / 1_000)
      const ttl = nowSeconds + FORGOTTEN_SECONDS
      if (nowSeconds >= (shards.get(shardId) ?? 0) + SHARD_RENEWED_SECONDS) {
        await client.send(
          new PutCommand({ TableName: table, Item: { pk: SHARDS, sk: shardId, ttl } }),
        )
        shards.set(shardId, nowSeconds)
      }
      const puts = [...heads].map(([lane, ofLane]) => {
        const h = memory.pack(`${shardId}|${lane}`, ofLane)
        return { put: { ...headKey(shardId, lane), h, ttl } }
      })
      await batchWrite(client, table, puts)
    },
    async linkClient(clientId, topic) {
      const ttl = Math.ceil(clock.now() / 1_000) + FORGOTTEN_SECONDS
      const item = { pk: `thing#${clientId}`, sk: topic, ttl }
      await client.send(new PutCommand({ TableName: table, Item: item }))
    },
    async devicesOf(clientId) {
      const links = await queryAll<{ sk: DeviceTopic }>(client, {
        TableName: table,
        KeyConditionExpression: 'pk = :thing',
        ExpressionAttributeValues: { ':thing': `thing#${clientId}` },
      })
      return links.map((link) => link.sk)
    },
  }
}

function historyReader({
  client,
  table,
  retentionMs,
  clock = systemClock,
}: HistoryAt): HistoryReader {
  const keptFromMs = (): number => clock.now() - retentionMs
  return {
    keptFromMs,
    async heads(topics) {
      const lanes = topics === 'all' ? allLanes : [...new Set(topics.map(laneOf))]
      const byLane = await readHeads(client, table, lanes)
      const all = new Map([...byLane.values()].flatMap((heads) => [...heads]))
      if (topics === 'all') return all
      return new Map(
        topics.flatMap((topic) => {
          const head = all.get(topic)
          return head ? [[topic, head] as const] : []
        }),
      )
    },
    rows: (topic, from, to) => readRows(client, table, { topic, from, to, nowMs: clock.now() }),
    late: (topic, from, to) => readLate(client, table, { topic, from, to, nowMs: clock.now() }),
  }
}

function rowItem(
  { lane, key, blocks }: HistoryRow,
  ttl: number,
): RowItem & Record<string, unknown> {
  const byTopic = new Map<DeviceTopic, DeviceBlock[]>()
  for (const block of blocks) {
    const ofDevice = byTopic.get(block.topic) ?? []
    ofDevice.push(block)
    byTopic.set(block.topic, ofDevice)
  }
  const b = Object.fromEntries([...byTopic].map(([topic, all]) => [topic, packBlocks(all)]))
  return { pk: lanePk(lane), sk: key, ttl, b }
}

function lateItem({ key, block }: LateRow, ttl: number): RowItem & Record<string, unknown> {
  return { pk: latePk(block.topic), sk: key, ttl, b: { [block.topic]: packBlocks([block]) } }
}
