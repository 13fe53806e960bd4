import { isObject } from '../../platform/fields.ts'
import { database, type Item, type Json, type Store, type StoredTable } from './dynalite.ts'

/** Global secondary indexes as a template has them, with the types of the key attributes. */
export interface IndexDefinitions {
  readonly GlobalSecondaryIndexes: readonly Json[]
  readonly AttributeDefinitions: readonly Json[]
}

const ITEMS_PER_TURN = 200

/**
 * Gives a table other global indexes in place, as `UpdateTable` does on AWS: those that are new or different are filled from its items,
 * those that are gone are removed. dynalite accepts an `UpdateTable` with new indexes and does nothing. An index is `CREATING` until it is
 * full, so that a process killed in between fills it at its next start.
 */
export async function changeIndexes(
  store: Store,
  tableName: string,
  wanted: IndexDefinitions,
): Promise<void> {
  const table = await readTable(store, tableName)
  const before = table.GlobalSecondaryIndexes ?? []
  const indexes = wanted.GlobalSecondaryIndexes.map(
    (index) =>
      before.find((old) => isSame(old, index) && old['IndexStatus'] === 'ACTIVE') ??
      newIndex(table, index),
  )
  const added = indexes.filter((index) => index['IndexStatus'] === 'CREATING')
  for (const old of before.filter((index) => !indexes.includes(index))) {
    const prefix = `index-global~${tableName}~${String(old['IndexName'])}~`
    await store.db.clear({ gte: prefix, lt: `${prefix}\xFF` })
  }
  const changed: StoredTable = {
    ...table,
    AttributeDefinitions: wanted.AttributeDefinitions,
    GlobalSecondaryIndexes: indexes,
  }
  await writeTable(store, changed)
  if (added.length === 0) return
  await fill(store, { ...changed, GlobalSecondaryIndexes: added })
  const active = indexes.map((index) => ({ ...index, IndexStatus: 'ACTIVE' }))
  await writeTable(store, { ...changed, GlobalSecondaryIndexes: active })
}

/** Whether a table has exactly these indexes, all of them full. */
export function hasIndexes(table: Readonly<Json>, wanted: readonly Json[]): boolean {
  const existing = Array.isArray(table['GlobalSecondaryIndexes'])
    ? table['GlobalSecondaryIndexes'].filter(isObject)
    : []
  return (
    existing.length === wanted.length &&
    wanted.every((index) =>
      existing.some((one) => isSame(one, index) && one['IndexStatus'] === 'ACTIVE'),
    )
  )
}

const ofIndex = (index: Readonly<Json>): string => {
  const projection = isObject(index['Projection']) ? index['Projection'] : {}
  const attributes = projection['NonKeyAttributes']
  return JSON.stringify([
    index['IndexName'],
    (index['KeySchema'] as readonly Json[]).map((key) => [key['AttributeName'], key['KeyType']]),
    projection['ProjectionType'],
    Array.isArray(attributes) ? attributes.toSorted() : [],
  ])
}

const isSame = (one: Readonly<Json>, other: Readonly<Json>): boolean =>
  ofIndex(one) === ofIndex(other)

function newIndex(table: StoredTable, index: Readonly<Json>): Json {
  const { ReadCapacityUnits = 0, WriteCapacityUnits = 0 } = isObject(index['ProvisionedThroughput'])
    ? index['ProvisionedThroughput']
    : {}
  return {
    ...structuredClone(index),
    IndexArn: `${table.TableArn}/index/${String(index['IndexName'])}`,
    IndexStatus: 'CREATING',
    IndexSizeBytes: 0,
    ItemCount: 0,
    ProvisionedThroughput: { ReadCapacityUnits, WriteCapacityUnits, NumberOfDecreasesToday: 0 },
  }
}

/** Under each item's own lock, so that a write meanwhile is not undone in the index. */
async function fill(store: Store, table: StoredTable): Promise<void> {
  const prefix = `item-${table.TableName}~`
  let seen = 0
  for await (const item of store.db.values({ gte: prefix, lt: `${prefix}\xFF` })) {
    if (++seen % ITEMS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    await fillOne(store, table, item)
  }
}

function fillOne(store: Store, table: StoredTable, found: Item): Promise<void> {
  const items = store.getItemDb(table.TableName)
  const key = database.createKey(found, table)
  return new Promise((resolve, reject) => {
    items.lock(key, (release) => {
      const done = release((error?: unknown) => {
        if (error instanceof Error) reject(error)
        else resolve()
      })
      items.get(key, (error, item) => {
        if (error || !item) done()
        else database.updateIndexes(store, fitting(table, item), undefined, item, done)
      })
    })
  })
}

/** An item whose attribute has another type than the index key is not in the index. Source: DynamoDB Developer Guide, GSI.OnlineOps. */
function fitting(table: StoredTable, item: Item): StoredTable {
  const typeOf = (name: unknown): unknown =>
    table.AttributeDefinitions.find((one) => one['AttributeName'] === name)?.['AttributeType']
  const fits = (index: Json): boolean =>
    (index['KeySchema'] as readonly Json[]).every(({ AttributeName: name }) => {
      const value = item[String(name)]
      return value === undefined || Object.hasOwn(value, String(typeOf(name)))
    })
  return {
    ...table,
    GlobalSecondaryIndexes: (table.GlobalSecondaryIndexes ?? []).filter(fits),
    // They are full already.
    LocalSecondaryIndexes: [],
  }
}

function readTable(store: Store, tableName: string): Promise<StoredTable> {
  return new Promise((resolve, reject) => {
    store.getTable(tableName, false, (error, table) => {
      if (error) reject(error)
      else resolve(table)
    })
  })
}

function writeTable(store: Store, table: StoredTable): Promise<void> {
  return new Promise((resolve, reject) => {
    store.tableDb.put(table.TableName, table, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}
