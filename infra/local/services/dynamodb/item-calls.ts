import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { Item } from './dynalite.ts'
import type { Engine, EngineOperation } from './engine.ts'
import type { Gate } from './gate.ts'

type Json = Record<string, unknown>

const CONDITIONAL = new Set(['PutItem', 'UpdateItem', 'DeleteItem'])
const METERED = new Set([
  'GetItem',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'Query',
  'Scan',
  'BatchGetItem',
  'BatchWriteItem',
])

/** Runs an engine operation; item operations always report their consumed capacity. */
export async function runItemCall(
  { engine, gate }: { readonly engine: Engine; readonly gate: Gate },
  operation: EngineOperation,
  input: Json,
): Promise<Json> {
  const data = METERED.has(operation) ? { ...input, ReturnConsumedCapacity: 'INDEXES' } : input
  if (CONDITIONAL.has(operation) && input['ReturnValuesOnConditionCheckFailure'] === 'ALL_OLD') {
    return gate.alone(() => runReturningOld(engine, operation, data))
  }
  return gate.shared(() => engine.run(operation, data))
}

/** DDB-11: a failed condition carries the item as it stood. Runs alone, so that it is the item that failed. */
async function runReturningOld(
  engine: Engine,
  operation: EngineOperation,
  input: Json,
): Promise<Json> {
  const copy = structuredClone(input)
  try {
    return await engine.run(operation, input)
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'ConditionalCheckFailedException')
      throw error
    const item = await readItem(engine, copy)
    throw new AwsError(error.code, error.message, {
      status: error.status,
      cause: error,
      extra: item ? { Item: item } : {},
    })
  }
}

/** The item that an input's `Key` or `Item` means; undefined when there is none. */
export async function readItem(engine: Engine, input: Json): Promise<Item | undefined> {
  const output = await engine.run('GetItem', {
    TableName: input['TableName'],
    Key: await keyOf(engine, input),
    ConsistentRead: true,
  })
  return output['Item'] as Item | undefined
}

/** The primary key of an input: its `Key`, or the key attributes of its `Item`. */
export async function keyOf(engine: Engine, input: Json): Promise<Json> {
  const key = input['Key']
  if (isObject(key)) return { ...key }
  const item = input['Item']
  const { Table: table } = await engine.run('DescribeTable', { TableName: input['TableName'] })
  const schema = (table as { KeySchema: { AttributeName: string }[] }).KeySchema
  return Object.fromEntries(
    schema.map(({ AttributeName: name }) => [name, isObject(item) ? item[name] : undefined]),
  )
}
