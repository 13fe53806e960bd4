import { isObject } from '../../platform/fields.ts'

/** Capacity units that one call used, by table. */
export interface TableCapacity {
  readonly tableName: string
  readonly units: number
}

/** Reads `ConsumedCapacity` of an answer: one object, or one for each table. */
export function capacityOf(output: Readonly<Record<string, unknown>>): readonly TableCapacity[] {
  const consumed = output['ConsumedCapacity']
  const each: readonly unknown[] = Array.isArray(consumed) ? consumed : [consumed]
  return each.filter(isObject).flatMap((one) => {
    const tableName = one['TableName']
    const units = one['CapacityUnits']
    return typeof tableName === 'string' && typeof units === 'number' ? [{ tableName, units }] : []
  })
}

/**
 * The answer as asked for with `ReturnConsumedCapacity`: absent or NONE without it, TOTAL without the parts, INDEXES as it is. The engine
 * is always asked for INDEXES, so that every call can be counted.
 */
export function shapeCapacity(
  output: Record<string, unknown>,
  requested: unknown,
): Record<string, unknown> {
  if (requested === 'INDEXES' || output['ConsumedCapacity'] === undefined) return output
  const { ConsumedCapacity: consumed, ...rest } = output
  if (requested !== 'TOTAL') return rest
  const total = (one: unknown): unknown =>
    isObject(one) ? { TableName: one['TableName'], CapacityUnits: one['CapacityUnits'] } : one
  return {
    ...rest,
    ConsumedCapacity: Array.isArray(consumed) ? consumed.map(total) : total(consumed),
  }
}
