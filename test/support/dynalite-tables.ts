import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createRequire } from 'node:module'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** dynalite has no types; this is its one export. */
const dynalite = createRequire(import.meta.url)('dynalite') as (options: {
  createTableMs: number
}) => Server

export interface DynaliteTables {
  readonly client: DynamoDBDocumentClient
  close(): Promise<void>
}

/** A DynamoDB-compatible server on a free port with empty tables of the product's shape (`pk`, `sk`). */
export async function startDynalite(...tables: readonly string[]): Promise<DynaliteTables> {
  const server = dynalite({ createTableMs: 0 })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const raw = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  for (const TableName of tables) {
    await raw.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
  }
  const marshallOptions = { removeUndefinedValues: true }
  return {
    client: DynamoDBDocumentClient.from(raw, { marshallOptions }),
    async close() {
      raw.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
