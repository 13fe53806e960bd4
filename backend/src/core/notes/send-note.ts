import {
  isEntitled,
  ProtocolError,
  topicCovers,
  type ClientMessage,
  type Note,
  type NotePush,
  type TopicFilter,
} from '../../protocol/index.ts'
import { hasRole } from '../auth/identity.ts'
import type { RevocationChecks, RevocationSubject } from '../auth/ports.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Sockets } from '../connections/ports.ts'
import { runPool } from '../run-pool.ts'
import type { SubscriptionRow } from '../subscriptions/ports.ts'

/** Notes are about what happened, or is about to: not further ahead than this. */
const MAX_AHEAD_MS = 24 * 3_600_000
const POSTS_AT_ONCE = 20
const CHECKS_AT_ONCE = 20

/** Who watches something, and with which right. */
export type Watcher = Pick<
  SubscriptionRow,
  'connectionId' | 'topic' | 'grants' | 'expiresAt' | keyof RevocationSubject
>

export interface NotePorts {
  /**
   * Keeps the note with the history. `key`: its author's idempotency key; when one of his notes has it already, that one stands and is
   * returned.
   */
  readonly keep: (note: Note, key: string | undefined) => Promise<Note>
  /** Subscriptions whose topic may have to do with this one. */
  readonly watchers: (topic: TopicFilter) => Promise<readonly Watcher[]>
  readonly revocations: RevocationChecks
  readonly sockets: Sockets
  readonly clock: Clock
  readonly newId: () => string
  /** How far back history, and so notes, are kept. */
  readonly retentionMs: number
}

/**
 * Keeps a note and gives it to everybody whose subscription has to do with its topic: those who watch it, a part of it, or more than it,
 * as far as each one's own token lets it see what the note is about. The kept note is what counts: a post that fails does not fail the message.
 *
 * Throws ProtocolError FORBIDDEN (role operator, own topics), RANGE_INVALID, NOTE_INVALID.
 */
export async function sendNote(
  message: ClientMessage<'sendMessage'>,
  connection: Connection,
  ports: NotePorts,
): Promise<NotePush> {
  const made = makeNote(message, connection, ports)
  // First what may be refused: nothing has happened then, and the message can be sent again.
  const recipients = await recipientsOf(made, ports)
  const note = await ports.keep(made, message.key)
  await push(note, recipients, { except: connection.connectionId, sockets: ports.sockets })
  return { type: 'note', id: message.id, note }
}

function makeNote(
  message: ClientMessage<'sendMessage'>,
  connection: Connection,
  { clock, newId, retentionMs }: NotePorts,
): Note {
  const { topic } = message
  if (!hasRole(connection, 'operator')) {
    throw new ProtocolError('FORBIDDEN', 'Writing a note needs the role operator.')
  }
  if (!isEntitled(connection.devices, topic)) {
    throw new ProtocolError('FORBIDDEN', 'This topic is unknown or not among yours.')
  }
  const nowMs = clock.now()
  const at = message.at ?? nowMs
  if (at < nowMs - retentionMs || at > nowMs + MAX_AHEAD_MS) {
    throw new ProtocolError(
      'RANGE_INVALID',
      'A note belongs to a time within the kept history or the next 24 hours; choose another "at".',
    )
  }
  return { noteId: newId(), topic, text: cleanText(message.text), at, by: connection.user }
}

/** One visible line: control characters, line separators and direction overrides become spaces (PAYLOAD-35, PROMISE-25). */
function cleanText(text: string): string {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, ' ').trim()
  if (clean) return clean
  throw new ProtocolError('NOTE_INVALID', 'The note has no visible character; write something.')
}

async function push(
  note: Note,
  recipients: readonly string[],
  { except, sockets }: { readonly except: string; readonly sockets: Sockets },
): Promise<void> {
  const waiting = recipients.filter((id) => id !== except)
  const frame = JSON.stringify({ type: 'note', note } satisfies NotePush)
  await runPool(waiting, POSTS_AT_ONCE, async (id) => {
    await sockets.post(id, frame)
  })
}

/** Once each: whose subscription concerns the note's topic, whose grants do too, and whose token neither ended nor was revoked. */
async function recipientsOf({ topic }: Note, ports: NotePorts): Promise<string[]> {
  const nowMs = ports.clock.now()
  const concerned = (await ports.watchers(topic)).filter(
    ({ expiresAt, grants, topic: watched }) =>
      expiresAt * 1_000 > nowMs &&
      overlaps(watched, topic) &&
      grants.some((grant) => overlaps(grant, topic)),
  )
  const revoked = await revokedTokens(concerned, ports.revocations)
  const told = concerned.filter((watcher) => !revoked.has(tokenOf(watcher)))
  return [...new Set(told.map(({ connectionId }) => connectionId))]
}

/** Each token is asked about once, however many sockets and subscriptions it has. */
async function revokedTokens(
  watchers: readonly Watcher[],
  revocations: RevocationChecks,
): Promise<ReadonlySet<string>> {
  const revoked = new Set<string>()
  const tokens = new Map(watchers.map((watcher) => [tokenOf(watcher), watcher]))
  await runPool([...tokens], CHECKS_AT_ONCE, async ([token, subject]) => {
    if (await revocations.isRevoked(subject)) revoked.add(token)
  })
  return revoked
}

const tokenOf = ({ issuer, user, tokenId, issuedAt }: RevocationSubject): string =>
  JSON.stringify([issuer, user, tokenId, issuedAt])

/** A note on a site concerns who watches one of its devices, and the other way round. */
const overlaps = (one: TopicFilter, other: TopicFilter): boolean =>
  topicCovers(one, other) || topicCovers(other, one)
