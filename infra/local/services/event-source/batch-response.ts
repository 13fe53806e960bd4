import { isObject } from '../../platform/fields.ts'

/**
 * Item ids that a function reports failed (KINESIS-22). `[]` = complete success: null, empty string, `{}`, or an absent, null or empty list.
 * `'all'` = complete failure: an id that is empty, null, absent or not in the batch, or an answer of another shape (KINESIS-23).
 */
export function failedItems(
  answer: unknown,
  batchIds: ReadonlySet<string>,
): 'all' | readonly string[] {
  if (answer === null || answer === undefined || answer === '') return []
  if (!isObject(answer)) return 'all'
  const failures = answer['batchItemFailures'] ?? []
  if (!Array.isArray(failures)) return 'all'
  const ids = failures.map((failure: unknown) =>
    isObject(failure) ? failure['itemIdentifier'] : undefined,
  )
  const known = ids.filter((id): id is string => typeof id === 'string' && batchIds.has(id))
  return known.length === ids.length ? known : 'all'
}
