import { PutCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NotePorts, Watcher } from '../core/notes/send-note.ts'
import { parseTopicFilter, type Note, type TopicFilter } from '../protocol/index.ts'
import { queryAll } from './dynamo-client.ts'
import { dynamoHistory } from './dynamo-history.ts'
import { FLEET, partitionOf } from './subscription-keys.ts'

export interface NoteTables {
  readonly subscriptionsTable: string
  readonly historyTable: string
}

/** Where notes are kept (History table, `notes#<topic filter>` / `<at>#<noteId>`) and who watches. Throws the SDK's errors. */
export function dynamoNotes(
  client: DynamoDBDocumentClient,
  tables: NoteTables,
  retentionMs: number,
): Pick<NotePorts, 'keep' | 'watchers' | 'retentionMs'> {
  return {
    retentionMs,
    async keep(note) {
      const ttl = Math.ceil((note.at + retentionMs) / 1_000)
      const Item = { ...noteKey(note), ...note, ttl }
      await client.send(new PutCommand({ TableName: tables.historyTable, Item }))
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
