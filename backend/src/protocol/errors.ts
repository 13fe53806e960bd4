/**
 * Every error code of the wire, with what the client should do about it. Documented one by one in docs/protocol.md.
 *
 * `never`: the same message will fail again. `now`: try at once. `backoff`: try later, `retryAfterMs` if given. `auth`: get a new token first.
 */
export const errorCodes = {
  MESSAGE_NOT_JSON: 'never',
  MESSAGE_NOT_OBJECT: 'never',
  MESSAGE_TOO_DEEP: 'never',
  MESSAGE_INVALID: 'never',
  UNKNOWN_ACTION: 'never',
  TOPIC_INVALID: 'never',
  FILTER_INVALID: 'never',
  POSITION_INVALID: 'never',
  RANGE_INVALID: 'never',
  LIMIT_RANGE: 'never',
  CURSOR_INVALID: 'never',
  SUBSCRIPTION_LIMIT: 'never',
  /** A later message of the same connection (a greater `id`) about the same `sid` was handled first; it holds. */
  SUPERSEDED: 'never',
  CONNECTION_UNKNOWN: 'now',
  FORBIDDEN: 'never',
  TOKEN_INVALID: 'auth',
  TOKEN_EXPIRED: 'auth',
  TOKEN_SUBJECT_MISMATCH: 'never',
  REVOKED: 'auth',
  RATE_LIMITED: 'backoff',
  REVISION_CONFLICT: 'now',
  COMMAND_KEY_REUSED: 'never',
  COMMAND_INVALID: 'never',
  NOTE_INVALID: 'never',
  ALARM_UNKNOWN: 'never',
  OVERLOADED: 'backoff',
  INTERNAL: 'backoff',
} as const satisfies Record<string, Retry>

export type Retry = 'never' | 'now' | 'backoff' | 'auth'
export type ErrorCode = keyof typeof errorCodes

/** Application close codes (4000–4999, RFC 6455 7.4.2) and the standard ones the platform uses. */
export const closeCodes = {
  policyViolation: 1008,
  tokenExpired: 4401,
  revoked: 4403,
  connectionUnknown: 4410,
} as const

/** A failure that a client is told about. Its `message` is one sentence: the value, the rule and the way out. */
export class ProtocolError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'ProtocolError'
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }
}
