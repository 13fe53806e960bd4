import type { AwsError } from '../../platform/errors.ts'
import type { Clock, Metrics } from '../../platform/types.ts'
import type { TableCapacity } from './capacity.ts'

/** What a table's callers used since the start. */
export interface OperationCount {
  readonly table: string
  readonly operation: string
  readonly calls: number
  readonly capacityUnits: number
}

export interface Meter {
  succeeded(call: MeteredCall, capacity: readonly TableCapacity[], startedMs: number): void
  failed(call: MeteredCall, error: AwsError): void
  counts(): readonly OperationCount[]
}

export interface MeteredCall {
  readonly operation: string
  /** Tables the call names. */
  readonly tables: readonly string[]
}

const NAMESPACE = 'AWS/DynamoDB'
const READS = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems'])

/** Counts calls and capacity, and publishes the AWS/DynamoDB metrics by TableName, and by TableName and Operation. */
export function createMeter(clock: Clock, metrics: Metrics): Meter {
  const counted = new Map<
    string,
    { table: string; operation: string; calls: number; units: number }
  >()

  const put = (
    name: string,
    value: number,
    unit: string,
    dimensions: Record<string, string>,
  ): void => {
    metrics.put({ namespace: NAMESPACE, name, dimensions, value, unit, timestampMs: clock.now() })
  }
  const count = (table: string, operation: string, units: number): void => {
    const key = `${table}/${operation}`
    const entry = counted.get(key) ?? { table, operation, calls: 0, units: 0 }
    entry.calls++
    entry.units += units
    counted.set(key, entry)
  }

  return {
    succeeded({ operation, tables }, capacity, startedMs) {
      const isRead = READS.has(operation)
      for (const table of tables) {
        const units = capacity.find((used) => used.tableName === table)?.units ?? 0
        count(table, operation, units)
        const name = isRead ? 'ConsumedReadCapacityUnits' : 'ConsumedWriteCapacityUnits'
        if (units > 0) put(name, units, 'Count', { TableName: table })
        put('SuccessfulRequestLatency', clock.monotonic() - startedMs, 'Milliseconds', {
          TableName: table,
          Operation: operation,
        })
      }
    },
    failed({ operation, tables }, error) {
      for (const table of tables) {
        count(table, operation, 0)
        if (error.code === 'ProvisionedThroughputExceededException') {
          const events = READS.has(operation) ? 'ReadThrottleEvents' : 'WriteThrottleEvents'
          put(events, 1, 'Count', { TableName: table })
          put('ThrottledRequests', 1, 'Count', { TableName: table, Operation: operation })
        } else if (error.code === 'ConditionalCheckFailedException') {
          put('ConditionalCheckFailedRequests', 1, 'Count', { TableName: table })
        } else if (error.status >= 500) {
          put('SystemErrors', 1, 'Count', { TableName: table, Operation: operation })
        }
      }
      if (error.status < 500 && error.code === 'ValidationException') {
        put('UserErrors', 1, 'Count', {})
      }
    },
    counts: () =>
      [...counted.values()].map(({ table, operation, calls, units }) => ({
        table,
        operation,
        calls,
        capacityUnits: units,
      })),
  }
}
