import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoAlarmWatchers } from '../../backend/src/adapters/dynamo-alarm-watchers.ts'
import { dynamoAlarms } from '../../backend/src/adapters/dynamo-alarms.ts'
import { memoryAlarms, memoryWatchers } from '../../backend/src/core/alarms/fakes.ts'
import type { AlarmRecords, AlarmWatchers } from '../../backend/src/core/alarms/ports.ts'
import { startLocalTables, type LocalTables } from '../support/local-tables.ts'

let database: LocalTables
beforeAll(async () => {
  database = await startLocalTables('alarms', 'subscriptions')
})
afterAll(() => database.close())

const NOW = Date.UTC(2026, 0, 1)
let serial = 0

describe.each<readonly [string, () => AlarmRecords]>([
  ['in memory', memoryAlarms],
  ['in DynamoDB', () => dynamoAlarms({ client: database.client, table: 'alarms' })],
])('alarm records %s', (_name, make) => {
  let records: AlarmRecords
  let alarm: string
  beforeEach(() => {
    records = make()
    alarm = `alarm ${++serial}`
  })

  const recordOf = (revision: number, text = '', at = NOW) => ({
    alarm,
    revision,
    notes: [{ at, by: 'ana', text: 'on it' }],
    last: { at, kind: 'note', by: 'ana', text } as const,
  })
  it('replaces a record only from the revision that was seen', async () => {
    expect(await records.find(alarm)).toBeUndefined()
    expect(await records.replace(recordOf(2), 1)).toBe('conflict')
    expect(await records.replace(recordOf(1), 0)).toBe('replaced')
    expect(await records.replace(recordOf(1), 0)).toBe('conflict')
    expect(await records.replace(recordOf(2), 1)).toBe('replaced')
    expect(await records.find(alarm)).toEqual(recordOf(2))
    expect(await records.all()).toContainEqual(recordOf(2))
  })
  it('of two changes at the same time one is refused, and only the other is in the history', async () => {
    await records.replace(recordOf(1, 'first'), 0)
    const both = await Promise.all([
      records.replace(recordOf(2, 'second'), 1),
      records.replace(recordOf(2, 'second'), 1),
    ])
    expect([...both].sort()).toEqual(['conflict', 'replaced'])
    const texts = (await records.history(alarm, 10)).map(({ text }) => text)
    expect(texts).toEqual(['second', 'first'])
  })
  it('keeps a history per alarm, newest first, a line for each change', async () => {
    await records.replace(recordOf(1, 'one'), 0)
    await records.replace(recordOf(2, 'two, in the same millisecond'), 1)
    await records.replace(recordOf(3, 'three', NOW + 1), 2)
    await records.replace({ ...recordOf(1, 'of another'), alarm: `${alarm}x` }, 0)
    expect(await records.history(alarm, 10)).toEqual([
      recordOf(3, 'three', NOW + 1).last,
      recordOf(2, 'two, in the same millisecond').last,
      recordOf(1, 'one').last,
    ])
    expect(await records.history(alarm, 1)).toHaveLength(1)
  })
  it('counts the changes of all alarms', async () => {
    const before = await records.current()
    expect(await records.bump()).toBe(before + 1)
    expect(await records.current()).toBe(before + 1)
  })
})

describe.each<readonly [string, () => AlarmWatchers]>([
  ['in memory', memoryWatchers],
  ['in DynamoDB', () => dynamoAlarmWatchers({ client: database.client, table: 'subscriptions' })],
])('alarm watchers %s', (_name, make) => {
  it('are told until their token ends, which a refresh moves', async () => {
    const watchers = make()
    await watchers.add('a=', NOW / 1_000 + 60)
    await watchers.add('b=', NOW / 1_000 + 60)
    await watchers.renew('b=', NOW / 1_000 + 600)
    await watchers.renew('nobody=', NOW / 1_000 + 600)
    expect([...(await watchers.all(NOW))].sort()).toEqual(['a=', 'b='])
    expect(await watchers.all(NOW + 60_000)).toEqual(['b='])
    await watchers.remove('b=')
    await watchers.remove('b=')
    expect(await watchers.all(NOW)).toEqual(['a='])
  })
})
