import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { SubscribePorts } from '../core/subscriptions/subscribe.ts'
import { partitionOf } from './subscription-keys.ts'
import type { Note } from '../protocol/index.ts'
import { queryAll } from './dynamo-client.ts'

/** Notes of a device's chart: those about the device, its site and the fleet. */
export function dynamoNoteReader(at: {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}): SubscribePorts['notes'] {
  return {
    async between(topic, fromMs, toMs) {
      const filters = [topic, `${partitionOf(topic)}/#`, '#']
      const found = await Promise.all(
        filters.map((filter) =>
          queryAll<Note>(at.client, {
            TableName: at.table,
            KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
            ExpressionAttributeValues: {
              ':pk': `notes#${filter}`,
              ':from': padded(fromMs),
              ':to': padded(toMs),
            },
          }),
        ),
      )
      return found
        .flat()
        .map(({ noteId, topic: about, text, at: atMs, by }) => ({
          noteId,
          topic: about,
          text,
          at: atMs,
          by,
        }))
        .sort((a, b) => a.at - b.at)
    },
  }
}

function padded(ms: number): string {
  return String(Math.max(0, Math.trunc(ms))).padStart(13, '0')
}
