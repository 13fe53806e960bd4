import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import type { Clock } from '../core/clock.ts'
import { fetchKeySet, readKeySet } from './key-set.ts'
import type { KeySetStore } from './key-set-store.ts'

/** How long a good set is used without asking again. */
const FRESH_MS = 10 * 60_000
/**
 * From here on a login waits for the whole refresh: the time within which a withdrawn key stops working while the issuer answers at all. A Lambda
 * that is frozen after its answer never ends a fetch that outlived {@link REFRESH_PATIENCE_MS}, so patience alone could use an old set for hours.
 */
const OVERDUE_MS = 2 * FRESH_MS
/** How long the last good set still serves when the issuer cannot be asked (PROMISE-17: at least 1 h). */
const STALE_MS = 4 * 3_600_000
/** No fetch for this long after one failed. */
const COOL_DOWN_MS = 30_000
/** A login with a known key waits this long for the refresh of a stale set, unless it is overdue: an outage must not slow logins down. */
const REFRESH_PATIENCE_MS = 250
/**
 * Fetches for unknown key ids: a few at once, so that a rotation is noticed immediately, then one per {@link COOL_DOWN_MS}. Per container: an
 * attacker who spends them delays the notice of a new key by at most that long there, and nothing else; known keys are not concerned.
 */
const UNKNOWN_KID_BURST = 3
/** Longer than a fetch may take: who has not ended its lease by then is gone, or frozen after its answer. */
const LEASE_MS = 3_000
/** While another environment asks the issuer: how often to look for what it got, and how often at most (together longer than a lease). */
const LOOK_MS = 100
const LOOKS = 35
/** Longer than a refresh takes while the function runs: what is older was frozen with it, and is waited for by nobody. */
const FROZEN_MS = LEASE_MS + LOOKS * LOOK_MS

type KeyLookup = ReturnType<typeof createLocalJWKSet>

export interface JwksCache {
  /** A key lookup over a set that holds `kid` if the issuer publishes it. `undefined`: no usable set can be had now. */
  keysFor(kid: string): Promise<KeyLookup | undefined>
}

export type JwksEvent =
  /** By the issuer, to us. */
  | { readonly kind: 'fetched'; readonly keys: number }
  | { readonly kind: 'failed'; readonly reason: string }
  /** The function was frozen between two invocations while it asked: its failure says nothing of the issuer. */
  | { readonly kind: 'frozen' }
  /** Neither to us nor to the environment that asked for all. */
  | { readonly kind: 'unanswered' }
  /** By another environment. */
  | { readonly kind: 'shared'; readonly ageSeconds: number }
  /** What the environments share cannot be read or written. */
  | { readonly kind: 'unshared'; readonly reason: string }
  | { readonly kind: 'stale'; readonly ageSeconds: number }

export interface JwksCacheOptions {
  /** https, or http to a loopback address. */
  readonly url: URL
  readonly clock: Clock
  readonly store: KeySetStore
  readonly fetch?: typeof fetch
  readonly onEvent?: (event: JwksEvent) => void
  /** Resolves after so many milliseconds. */
  readonly wait?: (ms: number) => Promise<unknown>
}

interface KeySet {
  readonly keys: KeyLookup
  readonly kids: ReadonlySet<string>
  readonly fetchedAtMs: number
}

/**
 * The issuer's public keys. What jose's remote set lacks: stale-if-error, one fetch in flight (of all execution
 * environments, which share the last good set), a cool-down after a failure, a size cap; and a key rotation never fails a login.
 *
 * @throws TypeError when the address is neither https nor loopback.
 */
export function createJwksCache(options: JwksCacheOptions): JwksCache {
  const { url } = options
  const now = (): number => options.clock.now()
  const wait = options.wait ?? ((ms: number) => setTimeout(ms, undefined, { ref: false }))
  assertSafeUrl(url)
  const shared = createSharing(options)
  let current: KeySet | undefined
  let inFlight: { readonly startedMs: number; readonly end: Promise<void> } | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY
  const budget = createBudget(UNKNOWN_KID_BURST, COOL_DOWN_MS)
  const ageMs = (): number => (current ? now() - current.fetchedAtMs : Number.POSITIVE_INFINITY)

  /** Takes over what another environment fetched, when that is newer. */
  async function look(): Promise<void> {
    const kept = await shared.read()
    if (!kept || kept.fetchedAtMs <= (current?.fetchedAtMs ?? 0)) return
    current = toKeySet(kept.set, Math.min(kept.fetchedAtMs, now()))
    options.onEvent?.({ kind: 'shared', ageSeconds: Math.round(ageMs() / 1_000) })
  }
  /** `kid`: to be found in the set; absent when the set is to be fresh. */
  async function load(kid: string | undefined): Promise<void> {
    const before = current
    const startedMs = now()
    const isSettled = (): boolean => {
      if (!current) return false
      // What another environment began to fetch since is as good as a fetch of our own, whatever is in it.
      if (current !== before && current.fetchedAtMs >= startedMs) return true
      return kid === undefined ? ageMs() <= FRESH_MS : current.kids.has(kid)
    }
    for (let looks = 0; looks <= LOOKS; looks++) {
      if (looks > 0) await wait(LOOK_MS)
      await look()
      if (isSettled()) return
      if (await shared.lease()) {
        const asked = await ask()
        if (asked && asked.fetchedAtMs >= (current?.fetchedAtMs ?? 0)) current = asked
        return
      }
      // Who has the key goes on with the set at hand: the next login looks again.
      if (current && kid === undefined) return
    }
    // No failure of ours, so no cool-down: the next login looks again, and the lease keeps it from asking too often.
    options.onEvent?.({ kind: 'unanswered' })
  }
  /** Undefined when the issuer gives none: that starts the cool-down. */
  async function ask(): Promise<KeySet | undefined> {
    // From its beginning: what is published while it is under way may not be in it.
    const fetchedAtMs = now()
    try {
      const set = await fetchKeySet(url, options.fetch ?? fetch)
      options.onEvent?.({ kind: 'fetched', keys: set.keys.length })
      await shared.keep(set, fetchedAtMs)
      return toKeySet(set, fetchedAtMs)
    } catch (error) {
      const isFrozen = now() - fetchedAtMs > LEASE_MS
      options.onEvent?.(isFrozen ? { kind: 'frozen' } : { kind: 'failed', reason: reasonOf(error) })
      if (!isFrozen) failedAtMs = now()
      await shared.release()
    }
    return undefined
  }
  /** One at a time, of those that are not frozen. */
  function refresh(kid?: string): Promise<void> {
    const startedMs = now()
    if (inFlight && startedMs - inFlight.startedMs <= FROZEN_MS) return inFlight.end
    if (startedMs - failedAtMs < COOL_DOWN_MS) return Promise.resolve()
    const one = {
      startedMs,
      end: load(kid).finally(() => {
        if (inFlight === one) inFlight = undefined
      }),
    }
    inFlight = one
    return one.end
  }

  return {
    async keysFor(kid) {
      if (!current) await look()
      if (!current) await refresh()
      else if (!current.kids.has(kid)) {
        if (inFlight || budget.take(now())) await refresh(kid)
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

const toKeySet = (set: JSONWebKeySet, fetchedAtMs: number): KeySet => ({
  keys: createLocalJWKSet(set),
  kids: new Set(set.keys.map((key) => key.kid ?? '')),
  fetchedAtMs,
})

/** The store as the cache uses it: a store that cannot be asked shares nothing, and costs no login. */
function createSharing({ store, onEvent, clock }: JwksCacheOptions) {
  /** When the set that was last seen in the store was fetched. */
  let seenMs = 0
  /** Of this environment. */
  const owner = randomUUID()
  async function orElse<T>(work: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await work()
    } catch (error) {
      onEvent?.({ kind: 'unshared', reason: reasonOf(error) })
      return fallback
    }
  }
  return {
    read: () =>
      orElse(async () => {
        const { text, fetchedAtMs } = await store.read()
        if (text === undefined || fetchedAtMs === undefined) return undefined
        // Also of a set that cannot be read: it must not keep us from asking for a better one.
        seenMs = fetchedAtMs
        return { set: readKeySet(text), fetchedAtMs }
      }, undefined),
    lease: () => {
      const nowMs = clock.now()
      return orElse(() => store.lease({ nowMs, untilMs: nowMs + LEASE_MS, seenMs, owner }), true)
    },
    keep: (set: JSONWebKeySet, fetchedAtMs: number) =>
      orElse(() => store.keep({ text: JSON.stringify(set), fetchedAtMs }, owner), undefined),
    release: () => orElse(() => store.release(owner), undefined),
  }
}

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
