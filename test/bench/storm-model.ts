import { joseTokenVerifier } from '../../backend/src/adapters/jose-token-verifier.ts'
import { createJwksCache } from '../../backend/src/adapters/jwks-cache.ts'
import {
  AUDIENCE,
  fakeIssuer,
  ISSUER,
  jwksResponse,
  makeKey,
  memoryKeySets,
  NOW,
  signToken,
} from '../../backend/src/adapters/token-fixtures.ts'
import { authorize } from '../../backend/src/core/auth/authorize.ts'
import type { TokenVerifier } from '../../backend/src/core/auth/ports.ts'
import { connect } from '../../backend/src/core/connections/connect.ts'
import {
  fakeExpiryQueue,
  memoryConnections,
  memoryRevocations,
} from '../../backend/src/core/connections/fakes.ts'
import { BEARER_PREFIX, SUBPROTOCOL } from '../../backend/src/protocol/index.ts'
import { backoffMs } from '../../dashboard/src/stream/backoff.ts'
import type { Stage } from '../../infra/local/services/apigateway/model.ts'
import { awsLimits, createThrottles } from '../../infra/local/services/apigateway/throttles.ts'
import { manualClock } from '../../infra/local/platform/clock.ts'
import { quantile, type Row } from './table.ts'

/** Issue 4, line 3: also where the real run has fewer, because of its machine. */
const SOCKETS = 10_000
const SOCKETS_PER_USER = 2
/** Milliseconds of a handshake's way to a Region and back. */
const ROUND_TRIP_MS = 60
/** An authorizer's event with its code and keys at hand, and its first one. */
const WARM_MS = 20
const COLD_MS = 500

/** Of all environments, most of which start cold: one asks the issuer, the others take what it shared. */
export const MOST_FETCHES = 20
const GIVE_UP_MS = 600_000

/** The stage of the template without throttles of its own, so that the account's quota is what is met (APIGW-96). */
const stage: Stage = {
  name: 'prod',
  apiId: 'model',
  deploymentId: undefined,
  variables: {},
  defaults: { throttle: undefined, detailedMetrics: false },
  routes: new Map(),
  accessLog: undefined,
}

interface Scenario {
  readonly openedMs: number[]
  handshakes: number
  readonly environments: number
  /** When the gateway let a handshake through. */
  readonly admittedMs: readonly number[]
  readonly fetches: number
}

/**
 * The storm on AWS, which no machine of two cores can show: 10,000 sockets cut at once against the account's quota of new connections, in a time
 * of its own. Real are the dashboard's backoff, the gateway's bucket, the authorizer with jose and a key cache in each execution
 * environment, and `connect` with its caps; assumed are only how long things take.
 */
export async function stormModel(): Promise<Row[]> {
  const scenario = await tell()
  const { openedMs } = scenario
  const limit = (figure: string, value: number, unit: string, most: number): Row => {
    return { figure, value, unit, against: 'limit', limit: most }
  }
  return [
    limit('10,000 sockets back by AWS’s quotas', Math.max(...openedMs) / 1_000, 's', 60),
    limit('a socket back, p50', quantile(openedMs, 0.5) / 1_000, 's', 60),
    limit(
      'connects in the busiest second',
      busiestSecond(scenario.admittedMs),
      '',
      awsLimits.connectsPerSecond,
    ),
    limit('handshakes per socket', scenario.handshakes / SOCKETS, '', 6),
    limit(
      `key set fetches, ${scenario.environments} environments started cold`,
      scenario.fetches,
      '',
      MOST_FETCHES,
    ),
  ]
}

/** The most of these moments (epoch ms, rising) within any one second, wherever it begins. */
export function busiestSecond(moments: readonly number[]): number {
  let most = 0
  let from = 0
  for (const [index, ms] of moments.entries()) {
    while (ms - (moments[from] ?? ms) >= 1_000) from++
    most = Math.max(most, index - from + 1)
  }
  return most
}

async function tell(): Promise<Scenario> {
  const queue = createAgenda()
  const clock = { ...manualClock(), now: () => NOW * 1_000 + queue.nowMs() }
  const throttles = createThrottles(clock, awsLimits)
  const key = await makeKey('ec-1')
  const issuer = fakeIssuer(() => jwksResponse(key.publicJwk))
  const store = memoryKeySets()
  const authorizers = createEnvironments(() =>
    joseTokenVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      clock,
      keys: createJwksCache({ url: new URL(`${ISSUER}/keys`), clock, store, fetch: issuer.fetch }),
    }),
  )
  const revocations = memoryRevocations()
  const ports = {
    revocations,
    expiryQueue: fakeExpiryQueue(),
    allowedOrigins: [],
    clock,
  }
  const scenario = { openedMs: [] as number[], admittedMs: [] as number[], handshakes: 0 }
  const users = await Promise.all(
    Array.from({ length: SOCKETS / SOCKETS_PER_USER }, async (_, user) => ({
      token: await signToken(key, { sub: `user-${user}`, jti: `token-${user}` }),
      connections: memoryConnections(),
    })),
  )

  const tryAgain = (client: number, attempt: number): void => {
    queue.in(backoffMs(attempt, Math.random), () => handshake(client, attempt))
  }
  const handshake = async (client: number, attempt: number): Promise<void> => {
    scenario.handshakes++
    const refused = () => queue.in(ROUND_TRIP_MS, () => tryAgain(client, attempt + 1))
    if (!throttles.takeConnect(stage)) {
      refused()
      return
    }
    scenario.admittedMs.push(queue.nowMs())
    const user = users[client % users.length]
    if (!user) throw new RangeError('every client belongs to a user')
    const headers = { 'Sec-WebSocket-Protocol': `${SUBPROTOCOL}, ${BEARER_PREFIX}${user.token}` }
    const environment = authorizers.take()
    const decision = await authorize(headers, { tokens: environment.tokens, revocations })
    queue.in(environment.isCold ? COLD_MS : WARM_MS, async () => {
      authorizers.giveBack(environment.tokens)
      if (decision.outcome !== 'allowed') {
        refused()
        return
      }
      const { identity } = decision
      const request = { connectionId: `${client}.${attempt}=`, headers, identity }
      const { statusCode } = await connect(request, { ...ports, connections: user.connections })
      if (statusCode !== 200) {
        refused()
        return
      }
      queue.in(ROUND_TRIP_MS, () => scenario.openedMs.push(queue.nowMs()))
    })
  }
  for (let client = 0; client < SOCKETS; client++) tryAgain(client, 1)
  await queue.run()
  return { ...scenario, environments: authorizers.count(), fetches: issuer.urls.length }
}

/** Execution environments as Lambda keeps them: an idle one, or else another (LAMBDA-10). */
function createEnvironments(start: () => TokenVerifier) {
  const idle: TokenVerifier[] = []
  let started = 0
  return {
    take(): { readonly tokens: TokenVerifier; readonly isCold: boolean } {
      const tokens = idle.pop()
      if (tokens) return { tokens, isCold: false }
      started++
      return { tokens: start(), isCold: true }
    },
    giveBack: (tokens: TokenVerifier) => void idle.push(tokens),
    count: () => started,
  }
}

/** What is to happen, in the order of its time, which does not pass while something happens. Times in whole ms. */
function createAgenda() {
  const agenda = new Map<number, (() => unknown)[]>()
  let nowMs = 0
  let open = 0
  return {
    nowMs: () => nowMs,
    in(ms: number, happen: () => unknown): void {
      const atMs = nowMs + ms
      const list = agenda.get(atMs)
      if (list) list.push(happen)
      else agenda.set(atMs, [happen])
      open++
    },
    async run(): Promise<void> {
      for (; open > 0; nowMs++) {
        if (nowMs > GIVE_UP_MS) throw new Error('not all sockets came back in ten minutes')
        // A list that grows while it is worked off: what takes no time comes at once.
        for (const happen of agenda.get(nowMs) ?? []) {
          await happen()
          open--
        }
        agenda.delete(nowMs)
      }
    },
  }
}
