import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { FaultControl } from '../../infra/local/platform/faults.ts'
import { createDynamoDb } from '../../infra/local/services/dynamodb/index.ts'
import { awsFront, ground } from './aws-front.ts'

export interface LocalTables {
  readonly client: DynamoDBDocumentClient
  readonly faults: FaultControl
  close(): Promise<void>
}

/** The local DynamoDB, which knows transactions, with empty tables of the product's shape (`pk`, `sk`). */
export async function startLocalTables(...tables: readonly string[]): Promise<LocalTables> {
  const on = ground()
  const front = await awsFront(on, [createDynamoDb(on)])
  for (const TableName of tables) {
    await front.create('AWS::DynamoDB::Table', {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    })
  }
  const raw = new DynamoDBClient(front.developer)
  return {
    client: DynamoDBDocumentClient.from(raw, { marshallOptions: { removeUndefinedValues: true } }),
    faults: on.faults,
    async close() {
      raw.destroy()
      await front.stop()
    },
  }
}
