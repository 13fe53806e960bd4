import type { LogSink } from '../../platform/types.ts'
import { clfTime } from './events.ts'
import type { ConnectionFacts, EventMoment } from './events.ts'
import type { Stage } from './model.ts'

/** What one request was and how it went; everything that an access log line may name (APIGW-105). */
export interface AccessLogEntry {
  readonly facts: ConnectionFacts
  readonly moment: EventMoment
  readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
  readonly routeKey: string
  readonly status: number
  readonly messageId?: string
  readonly integration?: IntegrationFacts
  readonly authorizer?: IntegrationFacts
  readonly error?: { readonly message: string; readonly responseType: string }
}

export interface IntegrationFacts {
  readonly status?: number
  readonly latencyMs: number
  readonly requestId?: string
  readonly error?: string
}

type Line = (entry: AccessLogEntry) => string
const lines = new Map<string, Line>()

/** Writes the stage's access log line, if it has one. */
export function writeAccessLog(logs: LogSink, stage: Stage, entry: AccessLogEntry): void {
  const { accessLog } = stage
  if (!accessLog) return
  let line = lines.get(accessLog.format)
  if (!line) lines.set(accessLog.format, (line = compileFormat(accessLog.format)))
  logs.write({
    group: accessLog.group,
    stream: `${stage.apiId}_${stage.name}`,
    message: line(entry),
    timestampMs: entry.moment.timeMs,
  })
}

/** A format string with `$context.` variables; what has no value is written `-`. */
export function compileFormat(format: string): Line {
  const parts = format.split(/\$context\.([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)/)
  return (entry) =>
    parts
      .map((part, index) => {
        if (index % 2 === 0) return part
        const value = valueOf(entry, part)
        return value === undefined ? '-' : String(value)
      })
      .join('')
}

function valueOf(entry: AccessLogEntry, name: string): string | number | undefined {
  const dot = name.indexOf('.')
  if (dot < 0) return simpleValue(entry, name)
  const rest = name.slice(dot + 1)
  switch (name.slice(0, dot)) {
    case 'integration':
      return integrationValue(entry.integration, rest)
    case 'authorizer':
      return integrationValue(entry.authorizer, rest) ?? entry.facts.authorizer?.[rest]
    case 'identity':
      return { sourceIp: entry.facts.sourceIp, userAgent: entry.facts.userAgent }[rest]
    case 'error':
      return {
        message: entry.error?.message,
        messageString: entry.error && JSON.stringify(entry.error.message),
        responseType: entry.error?.responseType,
      }[rest]
    default:
      return undefined
  }
}

function simpleValue(entry: AccessLogEntry, name: string): string | number | undefined {
  const { facts, moment } = entry
  switch (name) {
    case 'apiId':
    case 'connectionId':
    case 'domainName':
    case 'stage':
      return facts[name]
    case 'connectedAt':
      return facts.connectedAtMs
    case 'requestId':
    case 'extendedRequestId':
      return moment.requestId
    case 'requestTime':
      return clfTime(moment.timeMs)
    case 'requestTimeEpoch':
      return moment.timeMs
    case 'messageDirection':
      return 'IN'
    case 'integrationLatency':
      return entry.integration?.latencyMs
    case 'eventType':
    case 'routeKey':
    case 'status':
    case 'messageId':
      return entry[name]
    default:
      return undefined
  }
}

function integrationValue(
  facts: IntegrationFacts | undefined,
  name: string,
): string | number | undefined {
  if (!facts) return undefined
  switch (name) {
    case 'error':
      return facts.error
    case 'requestId':
      return facts.requestId
    case 'status':
    case 'integrationStatus':
      return facts.status
    case 'latency':
    case 'integrationLatency':
      return facts.latencyMs
    default:
      return undefined
  }
}
