import { AwsError } from '../../platform/errors.ts'
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
  type Validation,
} from './dynalite.ts'

type Input = Json

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
  /** Every item of a table, in no useful order. */
  items(tableName: string): AsyncIterable<Item>
}

export function isEngineOperation(operation: string): operation is EngineOperation {
  return actions.has(operation)
}

/** `path`: a directory that keeps the tables; in memory when absent. A write is in the operating system's hands when it returns. */
export function createEngine(account: Account, path: string | undefined): Engine {
  const store = database.create({
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
    meetsCondition: (prepared, item) => database.checkConditional(prepared, item) === null,
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
