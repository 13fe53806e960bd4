import { setTimeout } from 'node:timers/promises'
import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose'
import type { Clock } from '../core/clock.ts'

/** How long a good set is used without asking again. */
const FRESH_MS = 10 * 60_000
/**
 * From here on a login waits for the whole refresh: the time within which a withdrawn key stops working while the issuer answers at all. A Lambda
 * that is frozen after its answer never ends a fetch that outlived {@link REFRESH_PATIENCE_MS}, so patience alone could use an old set for hours.
 */
const OVERDUE_MS = 2 * FRESH_MS
/** How long the last good set still serves when the issuer cannot be asked (reliability.md P17: at least 1 h). */
const STALE_MS = 4 * 3_600_000
/** No fetch for this long after one failed. */
const COOL_DOWN_MS = 30_000
const FETCH_TIMEOUT_MS = 2_000
/** A login with a known key waits this long for the refresh of a stale set, unless it is overdue: an outage must not slow logins down. */
const REFRESH_PATIENCE_MS = 250
const MAX_BYTES = 512 * 1_024
const MAX_KEYS = 32
/**
 * Fetches for unknown key ids: a few at once, so that a rotation is noticed immediately, then one per {@link COOL_DOWN_MS}. Per container: an
 * attacker who spends them delays the notice of a new key by at most that long there, and nothing else; known keys are not concerned.
 */
const UNKNOWN_KID_BURST = 3
const MIN_RSA_BITS = 2_048

export type KeyLookup = ReturnType<typeof createLocalJWKSet>

export interface JwksCache {
  /** A key lookup over a set that holds `kid` if the issuer publishes it. `undefined`: no usable set can be had now. */
  keysFor(kid: string): Promise<KeyLookup | undefined>
}

export type JwksEvent =
  | { readonly kind: 'fetched'; readonly keys: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stale'; readonly ageSeconds: number }

export interface JwksCacheOptions {
  /** https, or http to a loopback address. */
  readonly url: URL
  readonly clock: Clock
  readonly fetch?: typeof fetch
  readonly onEvent?: (event: JwksEvent) => void
  /** Resolves after so many milliseconds. */
  readonly wait?: (ms: number) => Promise<unknown>
}

/**
 * The issuer's public keys. What jose's remote set lacks (reliability.md headline 2): stale-if-error, one fetch in flight,
 * a cool-down after a failure, a size cap; and a key rotation never fails a login.
 *
 * @throws TypeError when the address is neither https nor loopback.
 */
export function createJwksCache(options: JwksCacheOptions): JwksCache {
  const { url } = options
  const now = (): number => options.clock.now()
  const wait = options.wait ?? ((ms: number) => setTimeout(ms, undefined, { ref: false }))
  assertSafeUrl(url)
  let current: { keys: KeyLookup; kids: ReadonlySet<string>; fetchedAtMs: number } | undefined
  let inFlight: Promise<void> | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY
  const budget = createBudget(UNKNOWN_KID_BURST, COOL_DOWN_MS)

  async function load(): Promise<void> {
    try {
      const set = await fetchKeySet(url, options.fetch ?? fetch)
      const kids = new Set(set.keys.map((key) => key.kid ?? ''))
      current = { keys: createLocalJWKSet(set), kids, fetchedAtMs: now() }
      failedAtMs = Number.NEGATIVE_INFINITY
      options.onEvent?.({ kind: 'fetched', keys: kids.size })
    } catch (error) {
      failedAtMs = now()
      options.onEvent?.({ kind: 'failed', reason: reasonOf(error) })
    } finally {
      inFlight = undefined
    }
  }
  function refresh(): Promise<void> {
    if (!inFlight && now() - failedAtMs < COOL_DOWN_MS) return Promise.resolve()
    return (inFlight ??= load())
  }
  const ageMs = (): number => (current ? now() - current.fetchedAtMs : Number.POSITIVE_INFINITY)

  return {
    async keysFor(kid) {
      if (!current) await refresh()
      else if (!current.kids.has(kid)) {
        if (inFlight || budget.take(now())) await refresh()
      } else if (ageMs() > OVERDUE_MS) await refresh()
      else if (ageMs() > FRESH_MS) await Promise.race([refresh(), wait(REFRESH_PATIENCE_MS)])
      if (ageMs() > STALE_MS) return undefined
      if (ageMs() > FRESH_MS) {
        options.onEvent?.({ kind: 'stale', ageSeconds: Math.round(ageMs() / 1_000) })
      }
      return current?.keys
    },
  }
}

function assertSafeUrl(url: URL): void {
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback)) return
  throw new TypeError(
    `the JWKS address ${url.origin} must be https (http only on a loopback address)`,
  )
}

async function fetchKeySet(url: URL, fetcher: typeof fetch): Promise<JSONWebKeySet> {
  const response = await fetcher(url, {
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`status ${response.status}`)
  }
  const parsed = JSON.parse(await readBounded(response)) as { keys?: unknown } | null
  if (!Array.isArray(parsed?.keys)) throw new Error('not a key set')
  const keys = (parsed.keys as unknown[]).filter(isUsable).slice(0, MAX_KEYS)
  if (keys.length === 0) throw new Error('no usable key')
  return { keys }
}

async function readBounded(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  while (reader) {
    const { done, value } = (await reader.read()) as { done: boolean; value?: Uint8Array }
    if (done || !value) break
    bytes += value.byteLength
    if (bytes > MAX_BYTES) {
      await reader.cancel()
      throw new Error(`larger than ${MAX_BYTES} bytes`)
    }
    chunks.push(value)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Public signature keys of the allowed kinds, with a key id. A key of another kind in the set is no error: it is not ours. */
function isUsable(candidate: unknown): candidate is JWK {
  if (typeof candidate !== 'object' || candidate === null) return false
  const key = candidate as JWK
  if (typeof key.kid !== 'string' || key.kid === '' || key.d !== undefined) return false
  if (key.use !== undefined && key.use !== 'sig') return false
  if (key.kty === 'RSA') {
    return (key.alg ?? 'RS256') === 'RS256' && rsaBits(key.n) >= MIN_RSA_BITS
  }
  return key.kty === 'EC' && key.crv === 'P-256' && (key.alg ?? 'ES256') === 'ES256'
}

const rsaBits = (modulus: string | undefined): number =>
  Buffer.from(modulus ?? '', 'base64url').byteLength * 8

function createBudget(
  burst: number,
  refillMs: number,
): { readonly take: (nowMs: number) => boolean } {
  let spentUntilMs = Number.NEGATIVE_INFINITY
  return {
    take(nowMs) {
      const next = Math.max(spentUntilMs, nowMs) + refillMs
      if (next - nowMs > burst * refillMs) return false
      spentUntilMs = next
      return true
    },
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return (cause instanceof Error ? cause.message : 'unknown').slice(0, 120)
}
