import { GetCommand, PutCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NotePorts, Watcher } from '../core/notes/send-note.ts'
import { parseTopicFilter, type Note, type TopicFilter } from '../protocol/index.ts'
import { queryAll } from './dynamo-client.ts'
import { transact } from './dynamo-transaction.ts'
import { dynamoHistory } from './dynamo-history.ts'
import { FLEET, partitionOf } from './subscription-keys.ts'

/** A key outlives its note by a day: a client that repeats a message does so within minutes. */
const KEY_SECONDS = 24 * 3_600

export interface NoteTables {
  readonly subscriptionsTable: string
  readonly historyTable: string
}

/**
 * Where notes are kept (History table, `notes#<topic filter>` / `<at>#<noteId>`; `note-keys#<author>` / `<key>` finds one by its idempotency
 * key) and who watches. Throws the SDK's errors.
 */
export function dynamoNotes(
  client: DynamoDBDocumentClient,
  tables: NoteTables,
  retentionMs: number,
): Pick<NotePorts, 'keep' | 'watchers' | 'retentionMs'> {
  return {
    retentionMs,
    async keep(note, key) {
      const TableName = tables.historyTable
      const ttl = Math.ceil((note.at + retentionMs) / 1_000)
      const Item = { ...noteKey(note), ...note, ttl }
      if (key === undefined) {
        await client.send(new PutCommand({ TableName, Item }))
        return note
      }
      const Key = { pk: `note-keys#${note.by}`, sk: key }
      const first = {
        ...{ TableName, Item: { ...Key, note, ttl: ttl + KEY_SECONDS } },
        ConditionExpression: 'attribute_not_exists(pk)',
      }
      if ((await transact(client, [{ Put: { TableName, Item } }, { Put: first }])) === 'written') {
        return note
      }
      const found = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))
      return (found.Item as { readonly note: Note } | undefined)?.note ?? note
    },
    async watchers(topic) {
      const partitions = await partitionsFor(client, tables, topic)
      const rows = await Promise.all(
        partitions.map((pk) =>
          queryAll<Watcher>(client, {
            TableName: tables.subscriptionsTable,
            KeyConditionExpression: 'pk = :pk AND sk > :version',
            ExpressionAttributeValues: { ':pk': pk, ':version': '!version' },
          }),
        ),
      )
      return rows.flat()
    },
  }
}

const noteKey = ({ topic, at, noteId }: Note) => ({
  pk: `notes#${topic}`,
  sk: `${String(at).padStart(13, '0')}#${noteId}`,
})

/** A note to the whole fleet concerns every site, and the sites are those of the devices that have ever sent something. */
async function partitionsFor(
  client: DynamoDBDocumentClient,
  { historyTable }: NoteTables,
  topic: TopicFilter,
): Promise<readonly string[]> {
  if (parseTopicFilter(topic)?.kind !== 'fleet') return [partitionOf(topic), FLEET]
  const heads = await dynamoHistory({ client, table: historyTable, retentionMs: 0 }).heads('all')
  return [...new Set([...heads.keys()].map(partitionOf)), FLEET]
}
