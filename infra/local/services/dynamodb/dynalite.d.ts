/** dynalite 4.0.0 has no types; this is the part that is used here. */
declare module 'dynalite/db/index.js' {
  export type Item = Record<string, Record<string, unknown>>

  export interface KeySchemaElement {
    readonly AttributeName: string
    readonly KeyType: 'HASH' | 'RANGE'
  }

  export interface TableDescription {
    readonly TableName: string
    readonly TableArn: string
    readonly TableId: string
    readonly TableStatus: string
    readonly KeySchema: readonly KeySchemaElement[]
    readonly AttributeDefinitions: readonly { AttributeName: string; AttributeType: string }[]
  }

  export interface DynaliteError extends Error {
    readonly statusCode?: number
    readonly body?: Record<string, unknown>
  }

  export interface Store {
    readonly db: {
      open(): Promise<void>
      close(): Promise<void>
      values(range: { gte: string; lt: string }): AsyncIterable<Item>
    }
    readonly tableDb: { awsAccountId: string; awsRegion: string }
    getTable(
      name: string,
      done: (error: DynaliteError | null, table: TableDescription) => void,
    ): void
  }

  const db: {
    create(options: {
      path?: string
      createTableMs: number
      deleteTableMs: number
      updateTableMs: number
    }): Store
    checkConditional(data: Record<string, unknown>, item: Item | undefined): DynaliteError | null
  }
  export default db
}
