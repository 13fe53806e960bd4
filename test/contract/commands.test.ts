import { ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoCommands } from '../../backend/src/adapters/dynamo-commands.ts'
import { commandOf, memoryCommands } from '../../backend/src/core/commands/fakes.ts'
import type { Command, Commands } from '../../backend/src/core/commands/ports.ts'
import { limits } from '../../backend/src/protocol/index.ts'
import { startLocalTables, type LocalTables } from '../support/local-tables.ts'

let database: LocalTables
beforeAll(async () => {
  database = await startLocalTables('commands')
})
afterAll(() => database.close())

const NOW = Date.UTC(2026, 0, 1)
let serial = 0

describe.each<readonly [string, () => Commands]>([
  ['in memory', memoryCommands],
  ['in DynamoDB', () => dynamoCommands({ client: database.client, table: 'commands' })],
])('commands %s', (_name, make) => {
  let commands: Commands
  let command: Command
  beforeEach(() => {
    commands = make()
    serial++
    command = commandOf({
      commandId: `id-${serial}`,
      key: `key-${serial}`,
      user: `user-${serial}`,
      expiresAt: NOW + serial * 100_000,
    })
  })

  it('keeps a new command', async () => {
    expect(await commands.create(command)).toBe('created')
    expect(await commands.find(command.commandId)).toEqual(command)
    expect(await commands.find('unknown')).toBeUndefined()
  })
  it.each([2 ** 60, -1.79e308, 5e-324])('keeps an argument of %s as it is', async (value) => {
    await commands.create({ ...command, name: 'setPoint', args: { value } })
    expect((await commands.find(command.commandId))?.args).toEqual({ value })
    await commands.move(command.commandId, ['accepted'], { state: 'sent', at: NOW + 1 })
    expect((await commands.find(command.commandId))?.args).toEqual({ value })
  })
  it('gives the first command for its key, and keeps no second', async () => {
    await commands.create(command)
    const second = { ...command, commandId: `${command.commandId}-again`, bodyHash: 'other' }
    expect(await commands.create(second)).toEqual(command)
    expect(await commands.find(second.commandId)).toBeUndefined()
  })
  it("another user's key is another key", async () => {
    await commands.create(command)
    const foreign = { ...command, commandId: `${command.commandId}-foreign`, user: 'somebody' }
    expect(await commands.create(foreign)).toBe('created')
  })
  it('of the same key at the same time one is created and the others get it', async () => {
    const ids = ['a', 'b', 'c', 'd'].map((suffix) => `${command.commandId}-${suffix}`)
    const all = await Promise.all(
      ids.map((commandId) => commands.create({ ...command, commandId })),
    )
    expect(all.filter((outcome) => outcome === 'created')).toHaveLength(1)
    const winner = ids[all.indexOf('created')]
    const others = all.filter((outcome) => outcome !== 'created')
    expect(others.every((other) => other.commandId === winner)).toBe(true)
  })
  it('moves only from the states that were named', async () => {
    await commands.create(command)
    const id = command.commandId
    const moved = await commands.move(id, ['accepted'], { state: 'sent', at: NOW + 5 })
    expect(moved).toEqual({ moved: true, command: { ...command, state: 'sent', at: NOW + 5 } })
    const late = await commands.move(id, ['accepted'], { state: 'failed', at: NOW + 6 })
    expect(late).toEqual({ moved: false, command: { ...command, state: 'sent', at: NOW + 5 } })
    const done = { state: 'done', at: NOW + 7, message: 'ok' } as const
    expect(await commands.move(id, ['sent', 'acked'], done)).toEqual({
      moved: true,
      command: { ...command, ...done },
    })
    expect(await commands.move('unknown', ['sent'], done)).toBeUndefined()
  })
  it('lists what is overdue, and not what has ended', async () => {
    await commands.create(command)
    expect(await commands.overdue(command.expiresAt)).not.toContain(command.commandId)
    expect(await commands.overdue(command.expiresAt + 1)).toContain(command.commandId)
    await commands.move(command.commandId, ['accepted'], { state: 'expired', at: NOW })
    expect(await commands.overdue(command.expiresAt + 1)).not.toContain(command.commandId)
  })
  it('of two changes at the same time from one state one moves it', async () => {
    await commands.create(command)
    const both = await Promise.all(
      (['done', 'failed'] as const).map((state) =>
        commands.move(command.commandId, ['accepted'], { state, at: NOW + 1 }),
      ),
    )
    expect(both.map((outcome) => outcome?.moved).sort()).toEqual([false, true])
  })
  it('finds a command by the key of its user', async () => {
    await commands.create(command)
    expect(await commands.findByKey(command.user, command.key)).toEqual(command)
    expect(await commands.findByKey('somebody', command.key)).toBeUndefined()
  })
  it('counts the commands of a minute per user, wherever the minute begins', async () => {
    for (let i = 0; i < limits.commandsPerMinute; i++) {
      expect(await commands.count(command.user, NOW + i)).toEqual({ outcome: 'counted' })
    }
    expect(await commands.count(command.user, NOW + 59_999)).toEqual({
      outcome: 'limited',
      retryAfterMs: 1,
      strikes: 1,
    })
    expect(await commands.count(command.user, NOW + 59_999)).toMatchObject({ strikes: 2 })
    expect(await commands.count('another', NOW)).toEqual({ outcome: 'counted' })
    expect(await commands.count(command.user, NOW + 60_000)).toEqual({ outcome: 'counted' })
    expect(await commands.count(command.user, NOW + 60_000)).toMatchObject({ strikes: 1 })
  })
  it('counts every command of several at the same time', async () => {
    for (let i = 1; i < limits.commandsPerMinute; i++) await commands.count(command.user, NOW)
    const last = await Promise.all([1, 2, 3].map(() => commands.count(command.user, NOW)))
    expect(last.filter(({ outcome }) => outcome === 'counted')).toHaveLength(1)
  })
})

it('audit rows say who asked for what, when, and what it came to', async () => {
  const commands = dynamoCommands({ client: database.client, table: 'commands' })
  const command = commandOf({ commandId: 'audited', key: 'audited' })
  await commands.create(command)
  await commands.move('audited', ['accepted'], { state: 'sent', at: command.at + 1 })
  await commands.move('audited', ['sent'], {
    state: 'failed',
    at: command.at + 2,
    message: 'jammed',
  })
  const { Items } = await database.client.send(new ScanCommand({ TableName: 'commands' }))
  const audit = (Items ?? []).filter(
    (row) => row['pk'] === 'cmd#audited' && String(row['sk']).startsWith('audit#'),
  )
  const { user, topic, name, args: given } = command
  const args = JSON.stringify(given)
  expect(audit).toMatchObject([
    { user, topic, name, args, state: 'accepted', at: command.at },
    { user, topic, name, args, state: 'sent', at: command.at + 1 },
    { user, topic, name, args, state: 'failed', at: command.at + 2, message: 'jammed' },
  ])
})
