import { GetCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Connection } from '../core/connections/ports.ts'

export interface ConnectionsTable {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}

/** Key of a connection's own row. */
export const metaKey = (connectionId: string) => ({ pk: `conn#${connectionId}`, sk: 'meta' })

/** The row by a strongly consistent read. */
export async function findConnection(
  { client, table }: ConnectionsTable,
  connectionId: string,
): Promise<Connection | undefined> {
  return toConnection(await readMeta({ client, table }, connectionId))
}

/** A connection's own item: its row, its tombstone, or nothing. */
export async function readMeta(
  { client, table }: ConnectionsTable,
  connectionId: string,
): Promise<Record<string, unknown> | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: table, Key: metaKey(connectionId), ConsistentRead: true }),
  )
  return Item
}

/** The connection in an item; `undefined` for no item and for a tombstone. */
export function toConnection(item: Record<string, unknown> | undefined): Connection | undefined {
  if (item?.['connectedAt'] === undefined) return undefined
  const row = item as unknown as Connection
  return {
    connectionId: row.connectionId,
    user: row.user,
    roles: row.roles,
    devices: row.devices,
    expiresAt: row.expiresAt,
    issuedAt: row.issuedAt,
    tokenId: row.tokenId,
    issuer: row.issuer,
    connectedAt: row.connectedAt,
    lastSeenAt: row.lastSeenAt,
    revision: row.revision,
  }
}
