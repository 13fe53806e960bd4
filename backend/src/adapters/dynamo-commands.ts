import { GetCommand, PutCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import {
  countCommand,
  emptyWindow,
  type CommandAdmission,
  type CommandWindow,
} from '../core/commands/command-window.ts'
import type { Command, Commands, StateChange } from '../core/commands/ports.ts'
import type { CommandState } from '../protocol/index.ts'
import { conditionally, queryAll } from './dynamo-client.ts'
import { transact } from './dynamo-transaction.ts'

/** Audit rows and commands are kept so long. */
const KEPT_SECONDS = 90 * 86_400
/** Longer than the window. */
const WINDOW_KEPT_SECONDS = 600
const COUNT_ATTEMPTS = 10
const ended: readonly CommandState[] = ['done', 'failed', 'expired']

interface Table {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}

const stateKey = (commandId: string) => ({ pk: `cmd#${commandId}`, sk: 'state' })
const keyKey = (user: string, key: string) => ({ pk: `key#${user}#${key}`, sk: 'key' })
const padded = (ms: number): string => String(ms).padStart(13, '0')
/** Commands that have not ended, by the time at which they will have: what the sweeper asks for. */
const openKey = (command: Pick<Command, 'commandId' | 'expiresAt'>) => ({
  pk: 'open',
  sk: `${padded(command.expiresAt)}#${command.commandId}`,
})
const ttlAt = (ms: number): number => Math.ceil(ms / 1_000) + KEPT_SECONDS

/** The Commands table, keys as in docs/architecture.md. Throws the SDK's errors. */
export function dynamoCommands(at: Table): Commands {
  return {
    count: (user, nowMs) => count(at, user, nowMs),
    create: (command) => create(at, command),
    findByKey: (user, key) => findByKey(at, user, key),
    find: (commandId) => find(at, commandId),
    move: (commandId, from, change) => move(at, commandId, from, change),
    overdue: (nowMs) => overdue(at, nowMs),
  }
}

/** Optimistic: somebody who sends several at once counts them one after the other; who loses each time is as good as limited. */
async function count(at: Table, user: string, nowMs: number): Promise<CommandAdmission> {
  const key = { pk: `rate#${user}`, sk: 'window' }
  for (let attempt = 0; attempt < COUNT_ATTEMPTS; attempt++) {
    const row = await get<{ revision: number; window: CommandWindow }>(at, key)
    const { next, admission } = countCommand(row?.window ?? emptyWindow, nowMs)
    const Item = {
      ...key,
      window: next,
      revision: (row?.revision ?? 0) + 1,
      ttl: Math.ceil(nowMs / 1_000) + WINDOW_KEPT_SECONDS,
    }
    const condition = row
      ? {
          ConditionExpression: 'revision = :revision',
          ExpressionAttributeValues: { ':revision': row.revision },
        }
      : { ConditionExpression: 'attribute_not_exists(pk)' }
    const write = new PutCommand({ TableName: at.table, Item, ...condition })
    if (await conditionally(at.client.send(write))) return admission
  }
  return { outcome: 'limited', retryAfterMs: 1_000, strikes: 0 }
}

/** One transaction: the key row decides, and no command is without the row that lets it expire. */
async function create(at: Table, command: Command): Promise<'created' | Command> {
  const { commandId, user, key, expiresAt } = command
  const TableName = at.table
  const ttl = ttlAt(command.createdAt)
  const open = { ...openKey(command), commandId, ttl: Math.ceil(expiresAt / 1_000) + 86_400 }
  const outcome = await transact(at.client, [
    {
      Put: {
        TableName,
        Item: { ...keyKey(user, key), commandId, ttl },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
    { Put: { TableName, Item: { ...stateKey(commandId), command: packed(command), ttl } } },
    { Put: { TableName, Item: open } },
    { Put: { TableName, Item: auditRow(command) } },
  ])
  if (outcome === 'written') return 'created'
  const before = await findByKey(at, user, key)
  if (!before) throw new Error('the command of a used key is missing')
  return before
}

async function findByKey(at: Table, user: string, key: string): Promise<Command | undefined> {
  const owner = await get<{ commandId: string }>(at, keyKey(user, key))
  return owner && find(at, owner.commandId)
}

async function find(at: Table, commandId: string): Promise<Command | undefined> {
  const row = await get<{ command: PackedCommand }>(at, stateKey(commandId))
  return row && { ...row.command, args: JSON.parse(row.command.args) as Command['args'] }
}

/** One transaction: the state, its audit row, and at the end of a command the row by which it would expire. */
async function move(
  at: Table,
  commandId: string,
  from: readonly CommandState[],
  change: StateChange,
): Promise<{ readonly moved: boolean; readonly command: Command } | undefined> {
  const command = await find(at, commandId)
  if (!command) return undefined
  if (!from.includes(command.state)) return { moved: false, command }
  // What was said of the former state is not true of this one.
  const kept: { -readonly [Name in keyof Command]: Command[Name] } = { ...command }
  delete kept.message
  const next: Command = { ...kept, ...change }
  const outcome = await transact(at.client, [
    {
      Put: {
        TableName: at.table,
        Item: { ...stateKey(commandId), command: packed(next), ttl: ttlAt(command.createdAt) },
        ConditionExpression: '#command.#state = :before AND #command.#at = :at',
        ExpressionAttributeNames: { '#command': 'command', '#state': 'state', '#at': 'at' },
        ExpressionAttributeValues: { ':before': command.state, ':at': command.at },
      },
    },
    { Put: { TableName: at.table, Item: auditRow(next) } },
    ...(ended.includes(change.state)
      ? [{ Delete: { TableName: at.table, Key: openKey(command) } }]
      : []),
  ])
  // Somebody else moved it meanwhile: from there, or not any more.
  return outcome === 'written' ? { moved: true, command: next } : move(at, commandId, from, change)
}

/** Its arguments as JSON text: DynamoDB does not take every number that a double holds (see subscription-item.ts). */
type PackedCommand = Omit<Command, 'args'> & { readonly args: string }

function packed(command: Command): PackedCommand {
  return { ...command, args: JSON.stringify(command.args) }
}

/** Who asked for what, when, and what it came to. */
function auditRow(command: Command): Record<string, unknown> {
  const { commandId, user, topic, name, args, state, at, message = '' } = packed(command)
  const key = { pk: stateKey(commandId).pk, sk: `audit#${padded(at)}#${state}` }
  return { ...key, user, topic, name, args, state, message, at, ttl: ttlAt(at) }
}

async function overdue({ client, table }: Table, nowMs: number): Promise<readonly string[]> {
  const rows = await queryAll<{ commandId: string }>(client, {
    TableName: table,
    KeyConditionExpression: 'pk = :pk AND sk < :now',
    ExpressionAttributeValues: { ':pk': 'open', ':now': padded(nowMs) },
  })
  return rows.map(({ commandId }) => commandId)
}

async function get<Row>(
  { client, table }: Table,
  key: { readonly pk: string; readonly sk: string },
): Promise<Row | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: table, Key: key, ConsistentRead: true }),
  )
  return Item as Row | undefined
}
