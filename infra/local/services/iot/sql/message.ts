import type { SqlValue } from './values.ts'

/** One message as the rules engine sees it. */
export interface RuleMessage {
  /** Without a Basic Ingest prefix. */
  readonly topic: string
  readonly payload: Buffer
  /** Broker time, epoch ms. */
  readonly timestampMs: number
  /** Undefined when the message did not come by MQTT (IOT-48). */
  readonly clientId?: string
  readonly principal?: string
  readonly traceId?: string
}

/** What the functions of a rule read besides the payload. */
export interface RuleEnvironment {
  readonly accountId: string
  newId(): string
}

/** A message with its payload read at most once, and only when an expression asks for it. */
export interface Scope {
  readonly message: RuleMessage
  readonly environment: RuleEnvironment
  /** The payload, or the element of a nested query. Undefined when it is not JSON (IOT-51). */
  root(): SqlValue
  topicLevel(position: number): string | undefined
  /** Set once the payload was asked for as JSON and is none. */
  parseFailed: boolean
}

/** An expression made ready: run for every message, it reads nothing but its scope. */
export type Evaluate = (scope: Scope) => SqlValue

export function messageScope(message: RuleMessage, environment: RuleEnvironment): Scope {
  let parsed: { readonly value: SqlValue } | undefined
  let levels: readonly string[] | undefined
  const scope: Scope = {
    message,
    environment,
    parseFailed: false,
    root() {
      parsed ??= { value: parse(message.payload, scope) }
      return parsed.value
    },
    topicLevel(position) {
      levels ??= message.topic.split('/')
      return levels[position - 1]
    },
  }
  return scope
}

/** The same message seen from one element of an array: the scope of a nested query (IOT-42). */
export function elementScope(outer: Scope, element: SqlValue): Scope {
  return {
    message: outer.message,
    environment: outer.environment,
    parseFailed: false,
    root: () => element,
    topicLevel: (position) => outer.topicLevel(position),
  }
}

function parse(payload: Buffer, scope: Scope): SqlValue {
  try {
    return JSON.parse(payload.toString('utf8')) as SqlValue
  } catch {
    scope.parseFailed = true
    return undefined
  }
}
