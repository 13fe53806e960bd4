import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import type { Endpoints } from '../../infra/local/start/endpoints.ts'

/** The developer's hand on the tables of the running system. */
export function developerTables(endpoints: Endpoints): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: endpoints.aws,
      region: endpoints.region,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    }),
  )
}

/** The developer's eyes: reads whole tables of the running system, which no handler may. */
export function tableReader(
  endpoints: Endpoints,
): (logicalName: string) => Promise<Record<string, unknown>[]> {
  const client = developerTables(endpoints)
  return async (logicalName) => {
    const name = tableName(endpoints, logicalName)
    const rows: Record<string, unknown>[] = []
    let key: Record<string, unknown> | undefined
    do {
      const page = await client.send(
        new ScanCommand({ TableName: name, ExclusiveStartKey: key, ConsistentRead: true }),
      )
      rows.push(...(page.Items ?? []))
      key = page.LastEvaluatedKey
    } while (key)
    return rows
  }
}

/** The name of a table by the beginning of its logical name. Throws with the names that there are. */
export function tableName(endpoints: Endpoints, logicalName: string): string {
  const match = Object.entries(endpoints.tables).find(([name]) => name.startsWith(logicalName))
  if (!match) {
    throw new Error(`no table ${logicalName} among ${Object.keys(endpoints.tables).join(', ')}`)
  }
  return match[1]
}
