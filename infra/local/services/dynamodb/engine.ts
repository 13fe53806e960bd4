import { diskRefusal } from '../../platform/disk.ts'
import { AwsError } from '../../platform/errors.ts'
import type { Kept } from '../../platform/kept.ts'
import type { Account } from '../../platform/types.ts'
import {
  actionModule,
  database,
  validations,
  validationModule,
  type Action,
  type DynaliteError,
  type Item,
  type Json,
  type Store,
  type StoredTable,
  type Validation,
} from './dynalite.ts'
import { changeIndexes, type IndexDefinitions } from './indexes.ts'

type Input = Json

/** What dynalite does itself (DDB-17). */
export const ENGINE_OPERATIONS = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'GetItem',
  'ListTables',
  'ListTagsOfResource',
  'PutItem',
  'Query',
  'Scan',
  'TagResource',
  'UntagResource',
  'UpdateItem',
  'UpdateTable',
] as const

const READS: ReadonlySet<string> = new Set([
  'BatchGetItem',
  'DescribeTable',
  'GetItem',
  'ListTables',
  'ListTagsOfResource',
  'Query',
  'Scan',
])

const SCHEMA_CHANGES: ReadonlySet<string> = new Set(['CreateTable', 'DeleteTable', 'UpdateTable'])

export type EngineOperation = (typeof ENGINE_OPERATIONS)[number]

const actions = new Map<string, { readonly run: Action; readonly validation: Validation }>(
  ENGINE_OPERATIONS.map((operation) => {
    const file = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`
    return [
      operation,
      {
        run: actionModule(file),
        validation: validationModule(file),
      },
    ]
  }),
)

/** dynalite's store and actions, called in process: no second HTTP hop. Inputs and outputs are the API's JSON. */
export interface Engine {
  open(): Promise<void>
  close(): Promise<void>
  /** Throws AwsError with the documented code; its message is AWS's own. */
  run(operation: EngineOperation, input: Input): Promise<Input>
  /** Input checked and expressions parsed as `operation` would, without running it. Throws AwsError `ValidationException`. */
  prepare(operation: EngineOperation, input: Input): Input
  /** Whether an item (undefined = there is none) meets the condition of a prepared input. */
  meetsCondition(prepared: Input, item: Item | undefined): boolean
  /** Other global indexes for a table that is there, filled from its items. */
  changeIndexes(tableName: string, wanted: IndexDefinitions): Promise<void>
  /** Name of the partition key of a table or of one of its global indexes; undefined when there is no such table or index. */
  partitionKey(tableName: string, index?: string): Promise<string | undefined>
  /** Every item of a table, in no useful order. */
  items(tableName: string): AsyncIterable<Item>
}

export function isEngineOperation(operation: string): operation is EngineOperation {
  return actions.has(operation)
}

/**
 * `kept`: where the tables are; in memory when absent. A write is in the operating system's hands when it returns. LevelDB cannot be trusted
 * with another write after one that the disk refused: from then on nothing is written until there is room and the tables are opened anew.
 */
export function createEngine(account: Account, kept: Kept | undefined): Engine {
  let store = createStore(account, kept)
  /** Descriptions whose keys were asked for, until the table changes. */
  const schemas = new Map<string, StoredTable>()
  let refused: Error | undefined
  const stopListening = kept?.disk.onRoom(() => {
    if (refused) void reopen()
  })
  const reopen = async (): Promise<void> => {
    try {
      await store.db.close()
      store = createStore(account, kept)
      await store.db.open()
      refused = undefined
    } catch (cause) {
      refused = failed(cause)
    }
  }
  const failed = (cause: unknown): Error => {
    if (!kept || diskRefusal(cause) === undefined) return toAwsError(cause as DynaliteError)
    refused = kept.disk.failed(cause)
    return refused
  }

  const prepare = (operation: EngineOperation, input: Input): Input => {
    const { validation } = actionOf(operation)
    try {
      const data = validations.checkTypes(input, validation.types)
      validations.checkValidations(data, validation.types, validation.custom, store)
      return data
    } catch (error) {
      throw toAwsError(error as DynaliteError)
    }
  }

  return {
    prepare,
    open: () => store.db.open(),
    close() {
      stopListening?.()
      return store.db.close()
    },
    run(operation, input) {
      return new Promise((resolve, reject) => {
        const data = prepare(operation, input)
        if (refused && !READS.has(operation)) throw refused
        if (SCHEMA_CHANGES.has(operation)) schemas.delete(String(input['TableName']))
        actionOf(operation).run(store, data, (error, output) => {
          if (error) reject(failed(error))
          else resolve(output)
        })
      })
    },
    meetsCondition: (prepared, item) => database.checkConditional(prepared, item) === null,
    changeIndexes(tableName, wanted) {
      schemas.delete(tableName)
      return changeIndexes(store, tableName, wanted)
    },
    partitionKey: (tableName, index) =>
      new Promise((resolve) => {
        const known = schemas.get(tableName)
        if (known) {
          resolve(partitionKeyOf(known, index))
          return
        }
        store.getTable(tableName, false, (error, table) => {
          if (!error) schemas.set(tableName, table)
          resolve(error ? undefined : partitionKeyOf(table, index))
        })
      }),
    items: (tableName) =>
      store.db.values({ gte: `item-${tableName}~`, lt: `item-${tableName}~\xFF` }),
  }
}

function createStore(account: Account, kept: Kept | undefined): Store {
  const store = database.create({
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
    ...(kept && { path: kept.path }),
  })
  store.tableDb.awsAccountId = account.accountId
  store.tableDb.awsRegion = account.region
  return store
}

function partitionKeyOf(table: StoredTable, index: string | undefined): string | undefined {
  const indexes = table.GlobalSecondaryIndexes ?? []
  const described =
    index === undefined ? table : (indexes.find((one) => one['IndexName'] === index) ?? table)
  const schema = described['KeySchema'] as readonly KeySchemaElement[]
  return schema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName
}

interface KeySchemaElement {
  readonly AttributeName: string
  readonly KeyType: 'HASH' | 'RANGE'
}

function actionOf(operation: EngineOperation): {
  readonly run: Action
  readonly validation: Validation
} {
  const action = actions.get(operation)
  if (!action) throw new TypeError(`dynalite has no ${operation}`)
  return action
}

function toAwsError(error: DynaliteError): Error {
  const body = error.body
  if (!body || error.statusCode === undefined) {
    return new AwsError('InternalServerError', error.message, { status: 500, cause: error })
  }
  const type = typeof body['__type'] === 'string' ? body['__type'] : 'InternalServerError'
  const message = body['message'] ?? body['Message'] ?? ''
  return new AwsError(
    type.slice(type.indexOf('#') + 1),
    typeof message === 'string' ? message : '',
    { status: error.statusCode, cause: error },
  )
}
