import type { Clock, Metrics } from '../../platform/types.ts'
import type { Stage } from './model.ts'

type CountName =
  | 'ConnectCount'
  | 'MessageCount'
  | 'IntegrationError'
  | 'ClientError'
  | 'ExecutionError'

/** APIGW-107, APIGW-108: the metrics of AWS/ApiGateway. Counts are gathered for a second, so that a message costs an addition. */
export interface Traffic {
  count(stage: Stage, routeKey: string, name: CountName): void
  integrationLatency(stage: Stage, routeKey: string, ms: number): void
  start(): void
  stop(): void
}

const FLUSH_MS = 1000

export function createTraffic(clock: Clock, metrics: Metrics): Traffic {
  /** By stage, then by `name route` (`name` alone without detailed metrics). */
  const counts = new Map<Stage, Map<string, number>>()
  let sinceMs = clock.now()
  let cancel: (() => void) | undefined

  function flush(): void {
    for (const [stage, byKey] of counts) {
      for (const [key, count] of byKey) {
        const [name = '', routeKey] = key.split(' ')
        for (const dimensions of dimensionSets(stage, routeKey))
          metrics.put({
            namespace: 'AWS/ApiGateway',
            name,
            dimensions,
            value: 1,
            count,
            unit: 'Count',
            timestampMs: sinceMs,
          })
      }
    }
    counts.clear()
    sinceMs = clock.now()
  }

  return {
    count(stage, routeKey, name) {
      const key = detailed(stage, routeKey) ? `${name} ${routeKey}` : name
      let byKey = counts.get(stage)
      if (!byKey) counts.set(stage, (byKey = new Map<string, number>()))
      byKey.set(key, (byKey.get(key) ?? 0) + 1)
    },
    integrationLatency(stage, routeKey, ms) {
      const route = detailed(stage, routeKey) ? routeKey : undefined
      for (const dimensions of dimensionSets(stage, route))
        metrics.put({
          namespace: 'AWS/ApiGateway',
          name: 'IntegrationLatency',
          dimensions,
          value: ms,
          unit: 'Milliseconds',
          timestampMs: clock.now(),
        })
    },
    start() {
      cancel = clock.every(FLUSH_MS, flush)
    },
    stop() {
      cancel?.()
      flush()
    },
  }
}

function detailed(stage: Stage, routeKey: string): boolean {
  return (stage.routes.get(routeKey) ?? stage.defaults).detailedMetrics
}

function dimensionSets(stage: Stage, routeKey: string | undefined): Record<string, string>[] {
  const { apiId: ApiId, name: Stage } = stage
  const sets: Record<string, string>[] = [{ ApiId }, { ApiId, Stage }]
  if (routeKey !== undefined) sets.push({ ApiId, Stage, Route: routeKey })
  return sets
}
