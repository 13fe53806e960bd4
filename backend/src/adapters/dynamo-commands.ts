import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  UpdateCommand,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'
import type { Command, Commands, StateChange } from '../core/commands/ports.ts'
import { limits, type CommandState } from '../protocol/index.ts'
import { queryAll } from './dynamo-client.ts'

/** Audit rows and commands are kept so long. */
const KEPT_SECONDS = 90 * 86_400
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
    countMinute: (user, nowMs) => countMinute(at, user, nowMs),
    create: (command) => create(at, command),
    find: (commandId) => find(at, commandId),
    move: (commandId, from, change) => move(at, commandId, from, change),
    overdue: (nowMs) => overdue(at, nowMs),
  }
}

async function countMinute(
  { client, table }: Table,
  user: string,
  nowMs: number,
): Promise<'counted' | 'limited'> {
  const minute = Math.floor(nowMs / 60_000)
  const counted = await conditionally(
    client.send(
      new UpdateCommand({
        TableName: table,
        Key: { pk: `rate#${user}`, sk: String(minute) },
        UpdateExpression: 'ADD sent :one SET #ttl = :ttl',
        ConditionExpression: 'attribute_not_exists(sent) OR sent < :limit',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':one': 1,
          ':limit': limits.commandsPerMinute,
          ':ttl': (minute + 10) * 60,
        },
      }),
    ),
  )
  return counted ? 'counted' : 'limited'
}

/** The key row decides, last: what a crash leaves before it was never sent and runs out by itself. */
async function create(at: Table, command: Command): Promise<'created' | Command> {
  const { commandId, user, key, expiresAt } = command
  const ttl = ttlAt(command.createdAt)
  const open = { ...openKey(command), commandId, ttl: Math.ceil(expiresAt / 1_000) + 86_400 }
  await put(at, { ...stateKey(commandId), command, ttl })
  await put(at, open)
  const claimed = await conditionally(
    at.client.send(
      new PutCommand({
        TableName: at.table,
        Item: { ...keyKey(user, key), commandId, ttl },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    ),
  )
  if (claimed) {
    await audit(at, command)
    return 'created'
  }
  await remove(at, openKey(command))
  await remove(at, stateKey(commandId))
  const owner = await get<{ commandId: string }>(at, keyKey(user, key))
  const before = owner && (await find(at, owner.commandId))
  if (!before) throw new Error('the command of a used key is missing')
  return before
}

async function find(at: Table, commandId: string): Promise<Command | undefined> {
  return (await get<{ command: Command }>(at, stateKey(commandId)))?.command
}

async function move(
  at: Table,
  commandId: string,
  from: readonly CommandState[],
  change: StateChange,
): Promise<{ readonly moved: boolean; readonly command: Command } | undefined> {
  const values = Object.fromEntries(from.map((state, i) => [`:from${i}`, state]))
  const moved = await conditionally(
    at.client.send(
      new UpdateCommand({
        TableName: at.table,
        Key: stateKey(commandId),
        UpdateExpression:
          'SET #command.#state = :state, #command.#at = :at, #command.#message = :message',
        ConditionExpression: `#command.#state IN (${Object.keys(values).join(', ')})`,
        ExpressionAttributeNames: {
          '#command': 'command',
          '#state': 'state',
          '#at': 'at',
          '#message': 'message',
        },
        ExpressionAttributeValues: {
          ...values,
          ':state': change.state,
          ':at': change.at,
          ':message': change.message ?? '',
        },
      }),
    ),
  )
  const command = await find(at, commandId)
  if (!command) return undefined
  if (moved) await audit(at, { ...command, ...change })
  if (moved && ended.includes(change.state)) await remove(at, openKey(command))
  return { moved, command: withoutEmptyMessage(command) }
}

function withoutEmptyMessage(command: Command): Command {
  const { message, ...rest } = command
  return message ? command : rest
}

/** Who asked for what, when, and what it came to. */
async function audit(at: Table, command: Command): Promise<void> {
  const { commandId, user, topic, name, args, state, message = '' } = command
  const sk = `audit#${padded(command.at)}#${state}`
  const ttl = ttlAt(command.at)
  const pk = stateKey(commandId).pk
  await put(at, { pk, sk, user, topic, name, args, state, message, at: command.at, ttl })
}

async function overdue({ client, table }: Table, nowMs: number): Promise<readonly string[]> {
  const rows = await queryAll<{ commandId: string }>(client, {
    TableName: table,
    KeyConditionExpression: 'pk = :pk AND sk < :now',
    ExpressionAttributeValues: { ':pk': 'open', ':now': padded(nowMs) },
  })
  return rows.map(({ commandId }) => commandId)
}

async function conditionally(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
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

async function put({ client, table }: Table, item: Record<string, unknown>): Promise<void> {
  await client.send(new PutCommand({ TableName: table, Item: item }))
}

async function remove(
  { client, table }: Table,
  key: { readonly pk: string; readonly sk: string },
): Promise<void> {
  await client.send(new DeleteCommand({ TableName: table, Key: key }))
}
