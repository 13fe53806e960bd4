import { createRequire } from 'node:module'
import dynaliteDb, { type DynaliteError, type Item, type Store } from 'dynalite/db/index.js'
import { AwsError } from '../../platform/errors.ts'
import type { Account } from '../../platform/types.ts'

type Input = Record<string, unknown>
type Action = (
  store: Store,
  data: Input,
  done: (error: DynaliteError | null, output: Input) => void,
) => void

interface Validation {
  readonly types: unknown
  readonly custom: unknown
}

interface Validations {
  checkTypes(data: Input, types: unknown): Input
  checkValidations(data: Input, types: unknown, custom: unknown, store: Store): void
}

const load = createRequire(import.meta.url)
const validations = load('dynalite/validations') as Validations

/** What dynalite does itself (D17). */
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

export type EngineOperation = (typeof ENGINE_OPERATIONS)[number]

const actions = new Map<string, { readonly run: Action; readonly validation: Validation }>(
  ENGINE_OPERATIONS.map((operation) => {
    const file = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`
    return [
      operation,
      {
        run: load(`dynalite/actions/${file}`) as Action,
        validation: load(`dynalite/validations/${file}`) as Validation,
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
  /** Every item of a table, in no useful order. */
  items(tableName: string): AsyncIterable<Item>
}

export function isEngineOperation(operation: string): operation is EngineOperation {
  return actions.has(operation)
}

/** `path`: a directory that keeps the tables; in memory when absent. A write is in the operating system's hands when it returns. */
export function createEngine(account: Account, path: string | undefined): Engine {
  const store = dynaliteDb.create({
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
    ...(path === undefined ? {} : { path }),
  })
  store.tableDb.awsAccountId = account.accountId
  store.tableDb.awsRegion = account.region

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
    close: () => store.db.close(),
    run(operation, input) {
      return new Promise((resolve, reject) => {
        const data = prepare(operation, input)
        actionOf(operation).run(store, data, (error, output) => {
          if (error) reject(toAwsError(error))
          else resolve(output)
        })
      })
    },
    meetsCondition: (prepared, item) => dynaliteDb.checkConditional(prepared, item) === null,
    items: (tableName) =>
      store.db.values({ gte: `item-${tableName}~`, lt: `item-${tableName}~\xFF` }),
  }
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
