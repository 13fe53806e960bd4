import type {
  Account,
  ApiHandler,
  Authorization,
  Clock,
  LogSink,
  Metrics,
  ResourceService,
} from '../../platform/types.ts'
import { logsApi } from './api.ts'
import { extractEmf } from './emf.ts'
import type { EmfResult } from './emf.ts'
import { append, expire, logGroups } from './log-groups.ts'
import type { LogEvent, LogGroup } from './log-groups.ts'
import { metricFilters } from './metric-filters.ts'
import { logProviders } from './providers.ts'

export interface Logs extends ResourceService, LogSink {
  readonly api: ApiHandler
  /** Calls the listener with every new event of a group (made when missing); returns the end of that. */
  follow(group: string, listener: (event: LogEvent) => void): () => void
  /** Names of the groups that exist, in alphabetical order. */
  groupNames(): readonly string[]
}

export interface LogsOptions {
  readonly clock: Clock
  readonly account: Account
  readonly metrics: Metrics
  readonly authorization: Authorization
}

const EXPIRE_EVERY_MS = 3_600_000

/**
 * CloudWatch Logs on one machine: a bounded tail per group, and metrics from log lines (embedded metric format, EMF-1–EMF-14;
 * metric filters).
 */
export function createLogs(options: LogsOptions): Logs {
  const { account, clock, metrics } = options
  const groups = logGroups()
  const filters = metricFilters(metrics)
  const listeners = new Map<string, Set<(event: LogEvent) => void>>()
  let nextId = 1
  let cancel: (() => void) | undefined

  return {
    name: 'logs',
    providers: logProviders({ account, groups, filters, nowMs: () => clock.now() }),
    api: logsApi({ ...options, groups }),
    write({ group: name, stream, message, timestampMs }) {
      const nowMs = clock.now()
      const group = groups.ensure(name, nowMs)
      const event = { id: nextId++, stream, message, timestampMs, ingestedMs: nowMs }
      append(group, event)
      countIngestion(metrics, group, event)
      publishMetrics(metrics, name, extractEmf(message, nowMs), nowMs)
      filters.apply(name, event)
      for (const listener of listeners.get(name) ?? []) listener(event)
    },
    follow(name, listener) {
      groups.ensure(name, clock.now())
      const known = listeners.get(name) ?? new Set()
      listeners.set(name, known.add(listener))
      return () => known.delete(listener)
    },
    groupNames: () => groups.list().map((group) => group.name),
    start() {
      cancel = clock.every(EXPIRE_EVERY_MS, () => {
        for (const group of groups.list()) expire(group, clock.now())
      })
      return Promise.resolve()
    },
    stop() {
      cancel?.()
      return Promise.resolve()
    },
  }
}

function countIngestion(metrics: Metrics, group: LogGroup, event: LogEvent): void {
  const common = {
    namespace: 'AWS/Logs',
    dimensions: { LogGroupName: group.name },
    timestampMs: event.ingestedMs,
  }
  metrics.put({ ...common, name: 'IncomingLogEvents', value: 1, unit: 'None' })
  metrics.put({
    ...common,
    name: 'IncomingBytes',
    value: Buffer.byteLength(event.message),
    unit: 'Bytes',
  })
}

/** EMF-12: what could not be read is counted in AWS/Logs. */
function publishMetrics(metrics: Metrics, group: string, result: EmfResult, nowMs: number): void {
  for (const datum of result.data) metrics.put(datum)
  const failures = {
    EMFParsingErrors: result.parsingErrors,
    EMFValidationErrors: result.validationErrors,
  }
  for (const [name, value] of Object.entries(failures)) {
    if (value > 0) {
      metrics.put({
        namespace: 'AWS/Logs',
        name,
        dimensions: { LogGroupName: group },
        value,
        unit: 'None',
        timestampMs: nowMs,
      })
    }
  }
}
