import { isObject } from '../../platform/fields.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The partition key values that a part of a call names: what `dynamodb:LeadingKeys` is compared with. Undefined where AWS gives the key no value
 * (Scan, and calls about tables), which a policy with `ForAllValues` lets through. Source: Service Authorization Reference, DynamoDB, condition keys.
 *
 * @param part an item call's or query's input, one table's entry of a batch, or one action of a transaction.
 * @param partitionKey name of the table's (or, of a query on one, the index's) partition key.
 */
export function leadingKeysOf(part: unknown, partitionKey: string): readonly string[] | undefined {
  if (Array.isArray(part)) {
    const writes = part.map((write: unknown) => (isObject(write) ? Object.values(write)[0] : {}))
    return writes.flatMap((write) => leadingKeysOf(write, partitionKey) ?? [])
  }
  if (!isObject(part)) return undefined
  if (Array.isArray(part['Keys'])) {
    return part['Keys'].flatMap((key: unknown) => valueIn(key, partitionKey))
  }
  const item = part['Key'] ?? part['Item']
  if (isObject(item)) return valueIn(item, partitionKey)
  if (typeof part['KeyConditionExpression'] === 'string') return queried(part, partitionKey)
  const conditions = part['KeyConditions']
  if (!isObject(conditions)) return undefined
  const condition = conditions[partitionKey]
  const values = isObject(condition) ? condition['AttributeValueList'] : undefined
  return Array.isArray(values) ? values.flatMap(textOf) : []
}

const valueIn = (item: unknown, name: string): readonly string[] =>
  isObject(item) ? textOf(item[name]) : []

/** An attribute value of a key as text: its string, number, or binary in base64. */
function textOf(value: unknown): readonly string[] {
  const [text] = isObject(value) ? Object.values(value) : []
  return typeof text === 'string' ? [text] : []
}

/** Of a key condition only the partition key is compared by `=` (DDB-7), or the sort key as well: the name decides. */
function queried(input: Json, partitionKey: string): readonly string[] {
  const names = isObject(input['ExpressionAttributeNames']) ? input['ExpressionAttributeNames'] : {}
  const values = input['ExpressionAttributeValues']
  const equalities = String(input['KeyConditionExpression']).matchAll(
    /(#?[\w.-]+)\s*=\s*(:[\w-]+)/g,
  )
  for (const [, name = '', value = ''] of equalities) {
    if ((names[name] ?? name) === partitionKey) return valueIn(values, value)
  }
  return []
}
