import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Heads } from '../core/session/session.ts'
import { dynamoHistory } from './dynamo-history.ts'

/** Where each device's stream stands, for `pong`. */
export function dynamoHeads(at: {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}): Heads {
  const history = dynamoHistory({ ...at, retentionMs: 0 })
  return {
    async positions(topics) {
      const heads = await history.heads(topics)
      return Object.fromEntries(
        [...heads].flatMap(([topic, { position }]) =>
          position === null ? [] : [[topic, position]],
        ),
      )
    },
  }
}
