import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { Item } from './dynalite.ts'
import { capacityOf } from './capacity.ts'
import type { Engine, EngineOperation } from './engine.ts'
import { keyOf, readItem } from './item-calls.ts'

type Json = Record<string, unknown>

/** DDB-10. */
const MAX_ITEMS = 100
const MAX_BYTES = 4 * 1024 * 1024

const OPERATIONS: Readonly<Record<string, EngineOperation>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'DeleteItem',
  Get: 'GetItem',
}

interface Part {
  readonly kind: string
  readonly operation: EngineOperation
  readonly input: Json
}

interface Reason {
  readonly Code: string
  readonly Message?: string
  readonly Item?: Item
}

/**
 * `TransactWriteItems`: every condition first, then every write; the caller runs it alone (gate), which makes it one step. Throws AwsError
 * `TransactionCanceledException` with `CancellationReasons` in request order (DDB-10).
 */
export async function transactWrite(engine: Engine, input: Json): Promise<Json> {
  const parts = partsOf(input)
  refuseTooLarge(parts)
  await refuseRepeatedItems(engine, parts)
  const before: (Item | undefined)[] = []
  const reasons: Reason[] = []
  for (const part of parts) {
    const item = await readItem(engine, part.input)
    before.push(item)
    reasons.push(reasonOf(engine, part, item))
  }
  cancelIfAny(reasons)
  const units = new Map<string, number>()
  for (const [index, part] of parts.entries()) {
    if (part.kind === 'ConditionCheck') continue
    try {
      addUnits(units, await engine.run(part.operation, runnable(part)))
    } catch (error) {
      await restore(engine, parts.slice(0, index), before)
      if (!(error instanceof AwsError)) throw error
      cancelIfAny(
        parts.map((_, at) =>
          at === index ? { Code: 'ValidationError', Message: error.message } : { Code: 'None' },
        ),
      )
    }
  }
  return { ConsumedCapacity: consumed(units) }
}

/** `TransactGetItems`; the caller runs it alone (gate), so that all items are of one moment. */
export async function transactGet(engine: Engine, input: Json): Promise<Json> {
  const units = new Map<string, number>()
  const responses: Json[] = []
  for (const part of partsOf(input)) {
    const output = await engine.run('GetItem', { ...runnable(part), ConsistentRead: true })
    addUnits(units, output)
    responses.push(output['Item'] === undefined ? {} : { Item: output['Item'] })
  }
  return { Responses: responses, ConsumedCapacity: consumed(units) }
}

function partsOf(input: Json): readonly Part[] {
  const items = input['TransactItems']
  if (!Array.isArray(items) || items.length === 0 || items.length > MAX_ITEMS) {
    throw new AwsError(
      'ValidationException',
      `Member must have length between 1 and ${MAX_ITEMS} at 'transactItems'`,
    )
  }
  return items.map((item: unknown) => {
    const [kind, part] = isObject(item) ? (Object.entries(item)[0] ?? []) : []
    const operation = kind === undefined ? undefined : OPERATIONS[kind]
    if (kind === undefined || operation === undefined || !isObject(part)) {
      throw new AwsError(
        'ValidationException',
        'TransactItems can only contain one of Check, Put, Update or Delete',
      )
    }
    return { kind, operation, input: { ...part } }
  })
}

/** DDB-10; of updates only their expressions' results count, which are not known before. */
function refuseTooLarge(parts: readonly Part[]): void {
  const bytes = parts.reduce((sum, { input }) => sum + sizeOf(input['Item'] ?? {}), 0)
  if (bytes <= MAX_BYTES) return
  throw new AwsError('ValidationException', 'Transaction request cannot exceed 4MB in size')
}

/** Names and leaves of an item in attribute-value JSON. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + sizeOf(one), 0)
  if (!isObject(value)) return 1
  return Object.entries(value).reduce(
    (sum, [name, one]) => sum + Buffer.byteLength(name) + sizeOf(one),
    0,
  )
}

async function refuseRepeatedItems(engine: Engine, parts: readonly Part[]): Promise<void> {
  const seen = new Set<string>()
  for (const { input } of parts) {
    const id = JSON.stringify([input['TableName'], await keyOf(engine, input)])
    if (seen.has(id)) {
      throw new AwsError(
        'ValidationException',
        'Transaction request cannot include multiple operations on one item',
      )
    }
    seen.add(id)
  }
}

function reasonOf(engine: Engine, part: Part, item: Item | undefined): Reason {
  const { ReturnValuesOnConditionCheckFailure: returned, ...input } = part.input
  const prepared = engine.prepare(part.operation, structuredClone(input))
  if (engine.meetsCondition(prepared, item)) return { Code: 'None' }
  const reason = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' }
  return returned === 'ALL_OLD' && item ? { ...reason, Item: item } : reason
}

function cancelIfAny(reasons: readonly Reason[]): void {
  if (reasons.every((reason) => reason.Code === 'None')) return
  const codes = reasons.map((reason) => reason.Code).join(', ')
  throw new AwsError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { extra: { CancellationReasons: reasons } },
  )
}

/** Each item is in a transaction once, so its condition still holds when its write checks it again. */
function runnable({ input }: Part): Json {
  const copy: Json = { ...structuredClone(input), ReturnConsumedCapacity: 'INDEXES' }
  delete copy['ReturnValuesOnConditionCheckFailure']
  return copy
}

async function restore(
  engine: Engine,
  written: readonly Part[],
  before: readonly (Item | undefined)[],
): Promise<void> {
  for (const [index, part] of written.entries()) {
    if (part.kind === 'ConditionCheck') continue
    const table = { TableName: part.input['TableName'] }
    const item = before[index]
    await (item
      ? engine.run('PutItem', { ...table, Item: item })
      : engine.run('DeleteItem', { ...table, Key: await keyOf(engine, part.input) }))
  }
}

/** A transaction pays twice: once to prepare, once to commit. Source: DynamoDB Developer Guide, "capacity unit consumption". */
function addUnits(units: Map<string, number>, output: Json): void {
  for (const used of capacityOf(output)) {
    units.set(used.tableName, (units.get(used.tableName) ?? 0) + used.units * 2)
  }
}

function consumed(units: ReadonlyMap<string, number>): readonly Json[] {
  return [...units].map(([table, total]) => ({
    TableName: table,
    CapacityUnits: total,
    Table: { CapacityUnits: total },
  }))
}
