import { isObject } from '../../platform/fields.ts'

type Json = Record<string, unknown>

/**
 * DDB-9: a throttled batch does what it can and returns the rest. Halves the requests of a batch: `run` is done, `rest` comes back as
 * unprocessed. Undefined when there is nothing to halve (then the whole call is throttled).
 */
export function halveBatch(
  operation: string,
  input: Json,
): { readonly run: Json; readonly rest: Json } | undefined {
  const requests = input['RequestItems']
  if (!isObject(requests)) return undefined
  const flat = Object.entries(requests).flatMap(([table, of]) =>
    listOf(operation, of).map((one) => ({ table, one })),
  )
  if (flat.length < 2) return undefined
  const half = Math.ceil(flat.length / 2)
  const gather = (part: typeof flat): Json => {
    const byTable: Record<string, unknown[]> = {}
    for (const { table, one } of part) (byTable[table] ??= []).push(one)
    return Object.fromEntries(
      Object.entries(byTable).map(([table, list]) => [
        table,
        operation === 'BatchGetItem' ? { ...(requests[table] as Json), Keys: list } : list,
      ]),
    )
  }
  return {
    run: { ...input, RequestItems: gather(flat.slice(0, half)) },
    rest: gather(flat.slice(half)),
  }
}

function listOf(operation: string, of: unknown): readonly unknown[] {
  const list = operation === 'BatchGetItem' && isObject(of) ? of['Keys'] : of
  return Array.isArray(list) ? list : []
}
