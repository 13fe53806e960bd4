import type { Clock } from '../../platform/types.ts'
import type { Stage } from './model.ts'
import { createRateWindow } from './rate-window.ts'
import { createTokenBucket } from '../../platform/token-bucket.ts'
import type { TokenBucket } from '../../platform/token-bucket.ts'

/** Quotas of the account in a Region; AWS's values unless given. */
export interface AccountLimits {
  /** APIGW-96: a rate without a burst, so never more than this in any one second. */
  readonly connectsPerSecond: number
  /** APIGW-97: shared by messages and calls to @connections. */
  readonly requestsPerSecond: number
  readonly requestBurst: number
}

export const awsLimits: AccountLimits = {
  connectsPerSecond: 500,
  requestsPerSecond: 10_000,
  requestBurst: 5000,
}

export interface Throttles {
  /** One handshake: account connects, then the settings of `$connect`. */
  takeConnect(stage: Stage): boolean
  /** One message on a route (APIGW-100). */
  takeMessage(stage: Stage, routeKey: string): boolean
  /** One call to @connections. */
  takeCallback(): boolean
}

export function createThrottles(clock: Clock, limits: AccountLimits): Throttles {
  const connects = createRateWindow(clock, limits.connectsPerSecond)
  const requests = createTokenBucket(clock, {
    ratePerSecond: limits.requestsPerSecond,
    burst: limits.requestBurst,
  })
  const routes = new WeakMap<Stage, Map<string, TokenBucket>>()

  function routeBucket(stage: Stage, routeKey: string): TokenBucket | undefined {
    const throttle = (stage.routes.get(routeKey) ?? stage.defaults).throttle
    if (!throttle) return undefined
    let buckets = routes.get(stage)
    if (!buckets) routes.set(stage, (buckets = new Map<string, TokenBucket>()))
    let bucket = buckets.get(routeKey)
    if (!bucket) buckets.set(routeKey, (bucket = createTokenBucket(clock, throttle)))
    return bucket
  }

  const takeRoute = (stage: Stage, routeKey: string) => routeBucket(stage, routeKey)?.take() ?? true
  return {
    takeConnect: (stage) => connects.take() && takeRoute(stage, '$connect'),
    takeMessage: (stage, routeKey) => requests.take() && takeRoute(stage, routeKey),
    takeCallback: () => requests.take(),
  }
}
