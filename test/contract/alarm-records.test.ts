import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoAlarmWatchers } from '../../backend/src/adapters/dynamo-alarm-watchers.ts'
import { dynamoAlarms } from '../../backend/src/adapters/dynamo-alarms.ts'
import { memoryAlarms, memoryWatchers } from '../../backend/src/core/alarms/fakes.ts'
import type { AlarmRecords, AlarmWatchers } from '../../backend/src/core/alarms/ports.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite('alarms', 'subscriptions')
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

  it('replaces a record only from the revision that was seen', async () => {
    const first = { alarm, revision: 1, notes: [] }
    const second = { alarm, revision: 2, notes: [{ at: NOW, by: 'ana', text: 'on it' }] }
    expect(await records.find(alarm)).toBeUndefined()
    expect(await records.replace(second, 1)).toBe('conflict')
    expect(await records.replace(first, 0)).toBe('replaced')
    expect(await records.replace(first, 0)).toBe('conflict')
    expect(await records.replace(second, 1)).toBe('replaced')
    expect(await records.find(alarm)).toEqual(second)
    expect(await records.all()).toContainEqual(second)
  })
  it('of two changes at the same time one is refused', async () => {
    await records.replace({ alarm, revision: 1, notes: [] }, 0)
    const next = { alarm, revision: 2, notes: [] }
    const both = await Promise.all([records.replace(next, 1), records.replace(next, 1)])
    expect([...both].sort()).toEqual(['conflict', 'replaced'])
  })
  it('keeps a history per alarm, newest first', async () => {
    await records.append(alarm, { at: NOW, kind: 'state', text: 'ALARM' })
    await records.append(alarm, { at: NOW + 1, kind: 'ack', by: 'ana', text: '' })
    await records.append(`${alarm}x`, { at: NOW, kind: 'state', text: 'OK' })
    expect(await records.history(alarm, 10)).toEqual([
      { at: NOW + 1, kind: 'ack', by: 'ana', text: '' },
      { at: NOW, kind: 'state', text: 'ALARM' },
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
