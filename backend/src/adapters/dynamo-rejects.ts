import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Rejects } from '../core/ingest/ports.ts'
import { batchWrite } from './dynamo-client.ts'

const KEPT_SECONDS = 14 * 24 * 3_600

/** What could not be used, by day of arrival, with the original bytes: written again under the same key when a batch comes again. */
export function dynamoRejects(at: {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}): Rejects {
  return {
    async write(rejects) {
      const puts = rejects.map(({ arrivalMs, sequenceNumber, ...reject }) => ({
        put: {
          pk: new Date(arrivalMs).toISOString().slice(0, 10),
          sk: `${Math.trunc(arrivalMs)}#${sequenceNumber}`,
          ...reject,
          ttl: Math.ceil(arrivalMs / 1_000) + KEPT_SECONDS,
        },
      }))
      await batchWrite(at.client, at.table, puts)
    },
  }
}
