import { createRequire } from 'node:module'

// dynalite 4.0.0 has no types; these are the parts of it that are used here.

export type Item = Record<string, Record<string, unknown>>

export interface DynaliteError extends Error {
  readonly statusCode?: number
  readonly body?: Record<string, unknown>
}

export interface Store {
  readonly db: {
    open(): Promise<void>
    close(): Promise<void>
    values(range: { gte: string; lt: string }): AsyncIterable<Item>
    clear(range: { gte: string; lt: string }): Promise<void>
  }
  readonly tableDb: {
    awsAccountId: string
    awsRegion: string
    put(name: string, table: StoredTable, done: (error: Error | null | undefined) => void): void
  }
  getTable(
    name: string,
    mustBeActive: boolean,
    done: (error: Error | null, table: StoredTable) => void,
  ): void
  getItemDb(tableName: string): {
    get(key: string, done: (error: Error | null, item?: Item) => void): void
    lock(key: string, work: (release: (done: Done) => Done) => void): void
  }
}

type Done = (error?: unknown) => void

/** A table as dynalite keeps it: its description. */
export interface StoredTable {
  readonly TableName: string
  readonly TableArn: string
  readonly AttributeDefinitions: readonly Json[]
  readonly KeySchema: readonly Json[]
  readonly GlobalSecondaryIndexes?: readonly Json[]
  readonly LocalSecondaryIndexes?: readonly Json[]
}

interface Database {
  create(options: {
    path?: string
    createTableMs: number
    deleteTableMs: number
    updateTableMs: number
  }): Store
  checkConditional(data: Record<string, unknown>, item: Item | undefined): DynaliteError | null
  createKey(item: Item, table: StoredTable): string
  updateIndexes(
    store: Store,
    table: StoredTable,
    before: Item | undefined,
    item: Item,
    done: Done,
  ): void
}

export type Json = Record<string, unknown>

export type Action = (
  store: Store,
  data: Json,
  done: (error: DynaliteError | null, output: Json) => void,
) => void

export interface Validation {
  readonly types: unknown
  readonly custom: unknown
}

interface Validations {
  checkTypes(data: Json, types: unknown): Json
  checkValidations(data: Json, types: unknown, custom: unknown, store: Store): void
}

const require = createRequire(import.meta.url)

export const database = require('dynalite/db') as Database

export const validations = require('dynalite/validations') as Validations

/** `name`: an operation with a small first letter. */
export function actionModule(name: string): Action {
  return require(`dynalite/actions/${name}`) as Action
}

export function validationModule(name: string): Validation {
  return require(`dynalite/validations/${name}`) as Validation
}
