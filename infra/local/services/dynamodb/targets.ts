import { isObject } from '../../platform/fields.ts'

/** One permission that a call needs. */
export interface Target {
  readonly action: string
  readonly table: string
  readonly index?: string
  /** What of the call it is about: the whole input, a table's entry of a batch, an action of a transaction. */
  readonly part: unknown
}

const TRANSACT_ACTIONS: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
}

/**
 * The IAM actions and tables (or index) that a call touches. Source: Service Authorization Reference, DynamoDB: a batch needs its action on each
 * table, a transaction the single-item action of each of its parts, a query of an index the action on the index. Table names may be ARNs.
 */
export function targetsOf(
  operation: string,
  input: Readonly<Record<string, unknown>>,
): readonly Target[] {
  const items = input['TransactItems']
  if (Array.isArray(items)) return items.flatMap(transactTargets)
  const requests = input['RequestItems']
  if (isObject(requests)) {
    return Object.entries(requests).map(([table, part]) => ({
      action: operation,
      table: tableName(table),
      part,
    }))
  }
  const table = input['TableName']
  if (typeof table !== 'string') return []
  const index = input['IndexName']
  const target = { action: operation, table: tableName(table), part: input }
  return [typeof index === 'string' ? { ...target, index } : target]
}

function transactTargets(item: unknown): Target[] {
  if (!isObject(item)) return []
  return Object.entries(item).flatMap(([kind, part]) => {
    const action = TRANSACT_ACTIONS[kind]
    const table = isObject(part) ? part['TableName'] : undefined
    return action !== undefined && typeof table === 'string'
      ? [{ action, table: tableName(table), part }]
      : []
  })
}

/** `TableName` accepts the ARN too. */
export function tableName(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn.slice(nameOrArn.indexOf('/') + 1) : nameOrArn
}
