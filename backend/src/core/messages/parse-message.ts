import * as v from 'valibot'
import {
  actions,
  clientMessageSchemas,
  limits,
  ProtocolError,
  type Action,
  type ClientMessage,
  type ErrorCode,
  type ErrorMessage,
  errorCodes,
} from '../../protocol/index.ts'
import { scanJson } from './scan-json.ts'

/** What the client may have its answer found by: a number, or a text of at most 64 characters (MESSAGE-17). */
type EchoId = number | string | undefined

/** What JSON does not escape and a reader takes for a line end, a control or a direction (PROMISE-25). */
const UNSEEN = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/** A client message before its action's own rules. */
export interface Envelope {
  readonly action: Action
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * The JSON object in a text frame. Throws {@link ProtocolError}: MESSAGE_INVALID (too large), MESSAGE_TOO_DEEP, MESSAGE_NOT_JSON,
 * MESSAGE_NOT_OBJECT, UNKNOWN_ACTION (MESSAGE-1, MESSAGE-3, MESSAGE-4, MESSAGE-25).
 */
export function openMessage(text: string | undefined): Envelope {
  const body = text ?? ''
  // A character is at least one byte: a cheap first look before the exact count.
  if (body.length > limits.messageBytes || utf8Bytes(body) > limits.messageBytes) {
    throw new ProtocolError(
      'MESSAGE_INVALID',
      `The message has more than ${limits.messageBytes} bytes; send it in parts.`,
    )
  }
  if (scanJson(body, limits.messageDepth).depth > limits.messageDepth) {
    throw new ProtocolError(
      'MESSAGE_TOO_DEEP',
      `The message is nested deeper than ${limits.messageDepth} levels; flatten it.`,
    )
  }
  const value = parseJson(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('MESSAGE_NOT_OBJECT', 'A message is a JSON object with an "action".')
  }
  const message = value as Record<string, unknown>
  return { action: actionOf(message), body: message }
}

/**
 * The id by which the sender finds the answer, as far as the frame has one that can be read: also in a message that is refused for its size,
 * its depth or its action, or because of who sends it. Never throws.
 */
export function readId(text: string | undefined): EchoId {
  try {
    const value: unknown = JSON.parse(text ?? '')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'id')) return undefined
    return echoId((value as { readonly id: unknown }).id)
  } catch {
    return undefined
  }
}

/** The message of a known action, checked against its schema. Throws {@link ProtocolError} with {@link issueCode}, naming the member. */
export function checkMessage<A extends Action>(action: A, envelope: Envelope): ClientMessage<A> {
  const result = v.safeParse(clientMessageSchemas[action], envelope.body, {
    abortEarly: true,
  })
  if (result.success) return result.output
  throw new ProtocolError(issueCode(result.issues[0]), describeIssue(result.issues[0]))
}

const memberCodes: Readonly<Partial<Record<string, ErrorCode>>> = {
  topic: 'TOPIC_INVALID',
  where: 'FILTER_INVALID',
  since: 'POSITION_INVALID',
  until: 'POSITION_INVALID',
  positions: 'POSITION_INVALID',
  from: 'RANGE_INVALID',
  to: 'RANGE_INVALID',
  limit: 'LIMIT_RANGE',
  bucketMs: 'LIMIT_RANGE',
  ttlMs: 'LIMIT_RANGE',
  cursor: 'CURSOR_INVALID',
  text: 'NOTE_INVALID',
}

/** What the member at fault is called by; MESSAGE_INVALID for any other. */
export function issueCode(issue: v.BaseIssue<unknown>): ErrorCode {
  const member = v.getDotPath(issue)?.split('.')[0] ?? ''
  return (Object.hasOwn(memberCodes, member) ? memberCodes[member] : undefined) ?? 'MESSAGE_INVALID'
}

/** One sentence: the member, its value (cut, control characters escaped) and the rule. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const member = `"${printable(v.getDotPath(issue) ?? 'message')}"`
  const received = shown(issue.received)
  if (issue.received === 'undefined') return `${member} is missing; add it.`
  // A rule of our own says what it wants in words of its own.
  if (issue.expected === null || issue.type === 'custom') {
    return `${member} is ${received}, which is not accepted: ${shown(issue.message)}.`
  }
  const isLength = issue.type === 'min_length' || issue.type === 'max_length'
  const value = isLength ? `has a length of ${received}` : `is ${received}`
  return `${member} ${value}; it must be ${shown(issue.expected)}.`
}

/** As {@link printable}, quotation marks as they are. */
function shown(text: string): string {
  return printable(text, 160).replaceAll('\\"', '"')
}

/** Text that is safe in a sentence, whoever wrote it. */
function printable(text: string, characters = 64): string {
  const short = text.length > characters ? `${text.slice(0, characters)}…` : text
  return JSON.stringify(short)
    .slice(1, -1)
    .replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The answer for a failure; anything that is not a {@link ProtocolError} is INTERNAL and says nothing about itself. */
export function errorMessage(error: unknown, id: EchoId): ErrorMessage {
  const known =
    error instanceof ProtocolError
      ? error
      : new ProtocolError('INTERNAL', 'The server could not answer; try again in a moment.')
  return {
    type: 'error',
    ...(id === undefined ? {} : { id }),
    code: known.code,
    message: known.message,
    retry: errorCodes[known.code],
    ...(known.retryAfterMs === undefined ? {} : { retryAfterMs: known.retryAfterMs }),
  }
}

/** True for the actions of the protocol; `__proto__` and friends are none. */
function isAction(name: string): name is Action {
  return (actions as readonly string[]).includes(name)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new ProtocolError('MESSAGE_NOT_JSON', 'The message is not JSON; send one JSON object.', {
      cause,
    })
  }
}

function actionOf(message: Readonly<Record<string, unknown>>): Action {
  const action = Object.hasOwn(message, 'action') ? message.action : undefined
  if (typeof action === 'string' && isAction(action)) return action
  const shown = typeof action === 'string' ? `"${printable(action)}"` : 'missing or not a text'
  throw new ProtocolError(
    'UNKNOWN_ACTION',
    `The action is ${shown}; it must be one of ${actions.join(', ')}.`,
  )
}

function echoId(id: unknown): EchoId {
  if (typeof id === 'number' && Number.isFinite(id)) return id
  return typeof id === 'string' && id.length <= 64 ? id : undefined
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length
}
