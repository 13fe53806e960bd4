import { beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../core/connections/fakes.ts'
import { createJwksCache, type JwksEvent } from './jwks-cache.ts'
import { fakeIssuer, jwksResponse, makeKey, memoryKeySets, type TestKey } from './token-fixtures.ts'

let one: TestKey
let two: TestKey
beforeAll(async () => {
  one = await makeKey('one')
  two = await makeKey('two')
})

const MINUTE = 60_000
const down = (): Response => new Response('', { status: 500 })

function setUp(
  answer: () => Response | Promise<Response>,
  { clock = fakeClock(), store = memoryKeySets() } = {},
) {
  const events: JwksEvent[] = []
  const state = { answer }
  const issuer = fakeIssuer(() => state.answer())
  const waits: number[] = []
  const keys = createJwksCache({
    url: new URL('https://issuer.example/jwks'),
    clock,
    store,
    fetch: issuer.fetch,
    onEvent: (event) => events.push(event),
    // Patience is over at once: every fetch that is not there yet is too slow.
    wait: (ms) => Promise.resolve(waits.push(ms)),
  })
  return { clock, events, keys, state, waits, fetches: () => issuer.urls.length }
}

it('fetches once for many logins at once', async () => {
  const { keys, fetches } = setUp(() => jwksResponse(one.publicJwk))
  const found = await Promise.all(Array.from({ length: 50 }, () => keys.keysFor('one')))
  expect(found.every(Boolean)).toBe(true)
  expect(fetches()).toBe(1)
})

const noSuchKey = { code: 'ERR_JWKS_NO_MATCHING_KEY' }
/** A turn of the event loop: what was answered has been read. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('PROMISE-18: rotation', () => {
  it('a new key is found at once, also a second after the last fetch', async () => {
    const { keys, state, clock, fetches } = setUp(() => jwksResponse(one.publicJwk))
    await keys.keysFor('one')
    state.answer = () => jwksResponse(one.publicJwk, two.publicJwk)
    clock.ms += 1_000
    const lookup = await keys.keysFor('two')
    await expect(lookup?.({ alg: 'ES256', kid: 'two' })).resolves.toBeDefined()
    expect(fetches()).toBe(2)
  })
  it('a withdrawn key is refused by the first login after ten minutes whose fetch was fast, and those after it', async () => {
    const { keys, state, clock } = setUp(() => jwksResponse(one.publicJwk, two.publicJwk))
    await keys.keysFor('one')
    state.answer = () => jwksResponse(two.publicJwk)
    clock.ms += 10 * MINUTE + 1
    await keys.keysFor('one')
    await settled()
    const lookup = await keys.keysFor('one')
    await expect(lookup?.({ alg: 'ES256', kid: 'one' })).rejects.toMatchObject(noSuchKey)
  })
  it('a withdrawn key is refused after twenty minutes by an issuer that takes 400 ms, which no frozen function sees the end of', async () => {
    const { keys, state, clock, waits } = setUp(() => jwksResponse(one.publicJwk, two.publicJwk))
    await keys.keysFor('one')
    let arrive: (answer: Response) => void = () => undefined
    state.answer = () => new Promise<Response>((resolve) => (arrive = resolve))
    clock.ms += 10 * MINUTE + 1
    // Longer than the patience: the old set serves, and the function is frozen with the fetch under way.
    const stale = await keys.keysFor('one')
    await expect(stale?.({ alg: 'ES256', kid: 'one' })).resolves.toBeDefined()
    expect(waits).toEqual([250])
    clock.ms += 10 * MINUTE
    const overdue = keys.keysFor('one')
    await settled()
    clock.ms += 400
    arrive(jwksResponse(two.publicJwk))
    await expect((await overdue)?.({ alg: 'ES256', kid: 'one' })).rejects.toMatchObject(noSuchKey)
    expect(waits).toEqual([250])
  })
  it('MEASURE-3: unknown key ids cannot make us fetch without end', async () => {
    const { keys, clock, fetches } = setUp(() => jwksResponse(one.publicJwk))
    await keys.keysFor('one')
    for (let i = 0; i < 50; i++) await keys.keysFor(`unknown-${i}`)
    expect(fetches()).toBe(4)
    clock.ms += 30_000
    for (let i = 0; i < 50; i++) await keys.keysFor(`unknown-${i}`)
    expect(fetches()).toBe(5)
  })
})

describe('PROMISE-17: the issuer is down', () => {
  it.each([
    ['500', down],
    ['no JSON', () => new Response('<html>')],
    ['another JSON', () => Response.json({ hello: 1 })],
    ['an empty set', () => jwksResponse()],
    ['refused', () => Promise.reject(new TypeError('fetch failed'))],
    ['too large', () => new Response('x'.repeat(600_000))],
  ])('%s: known keys still serve, and are said to be stale', async (_title, broken) => {
    const { keys, state, clock, events } = setUp(() => jwksResponse(one.publicJwk))
    await keys.keysFor('one')
    state.answer = broken
    clock.ms += 60 * MINUTE
    const lookup = await keys.keysFor('one')
    await expect(lookup?.({ alg: 'ES256', kid: 'one' })).resolves.toBeDefined()
    expect(events.map(({ kind }) => kind)).toEqual(['fetched', 'failed', 'stale'])
    expect(events.at(-1)).toEqual({ kind: 'stale', ageSeconds: 3_600 })
  })
  it('is asked again once in 30 s, however many sign in', async () => {
    const { keys, state, clock, fetches } = setUp(() => jwksResponse(one.publicJwk))
    await keys.keysFor('one')
    state.answer = down
    clock.ms += 11 * MINUTE
    for (let i = 0; i < 20; i++) await keys.keysFor('one')
    expect(fetches()).toBe(2)
    clock.ms += 30_000
    for (let i = 0; i < 20; i++) await keys.keysFor('one')
    expect(fetches()).toBe(3)
  })
  it('a hanging issuer holds a known key up for a quarter of a second only', async () => {
    const { keys, state, clock, waits } = setUp(() => jwksResponse(one.publicJwk))
    await keys.keysFor('one')
    state.answer = () => new Promise<Response>(() => undefined)
    clock.ms += 11 * MINUTE
    expect(await keys.keysFor('one')).toBeDefined()
    expect(waits).toEqual([250])
  })
  it('without any good set there is no key, and after the outage there is', async () => {
    const { keys, state, clock } = setUp(down)
    expect(await keys.keysFor('one')).toBeUndefined()
    state.answer = () => jwksResponse(one.publicJwk)
    expect(await keys.keysFor('one')).toBeUndefined()
    clock.ms += 30_000
    expect(await keys.keysFor('one')).toBeDefined()
  })
  it('a set of four hours ago serves nobody any more', async () => {
    const { keys, state, clock } = setUp(() => jwksResponse(one.publicJwk))
    await keys.keysFor('one')
    state.answer = down
    clock.ms += 241 * MINUTE
    expect(await keys.keysFor('one')).toBeUndefined()
  })
})

describe('environments share what one of them fetched', () => {
  const shared = (answer: () => Response | Promise<Response>) => {
    const clock = fakeClock()
    const store = memoryKeySets()
    const start = (say = answer) => setUp(say, { clock, store })
    return { clock, store, start }
  }

  it('one that starts asks no issuer, and knows how old the set is', async () => {
    const { clock, start } = shared(() => jwksResponse(one.publicJwk))
    await start().keys.keysFor('one')
    clock.ms += 5 * MINUTE
    const second = start()
    const lookup = await second.keys.keysFor('one')
    await expect(lookup?.({ alg: 'ES256', kid: 'one' })).resolves.toBeDefined()
    expect(second.fetches()).toBe(0)
    expect(second.events).toEqual([{ kind: 'shared', ageSeconds: 300 }])
    clock.ms += 5 * MINUTE + 1
    await second.keys.keysFor('one')
    await settled()
    expect(second.fetches()).toBe(1)
  })
  it('PROMISE-17: one that starts while the issuer is down serves known keys, up to four hours', async () => {
    const { clock, start } = shared(down)
    await start(() => jwksResponse(one.publicJwk)).keys.keysFor('one')
    clock.ms += 239 * MINUTE
    expect(await start().keys.keysFor('one')).toBeDefined()
    clock.ms += 2 * MINUTE
    expect(await start().keys.keysFor('one')).toBeUndefined()
  })
  it('PROMISE-18: a key that the issuer has since another environment fetched is found, by one fetch for all', async () => {
    const { clock, start } = shared(() => jwksResponse(one.publicJwk, two.publicJwk))
    const environments = [start(() => jwksResponse(one.publicJwk)), start(), start()]
    for (const { keys } of environments) await keys.keysFor('one')
    clock.ms += 1_000
    const found = await Promise.all(
      environments.slice(1).map(async ({ keys }) => {
        const lookup = await keys.keysFor('two')
        return lookup?.({ alg: 'ES256', kid: 'two' })
      }),
    )
    expect(found.every(Boolean)).toBe(true)
    expect(environments.map(({ fetches }) => fetches())).toEqual([1, 1, 0])
  })
  it('who has the key does not wait for another environment that asks, also when the set is overdue', async () => {
    const { clock, start } = shared(() => jwksResponse(one.publicJwk))
    const [first, second] = [start(), start()]
    for (const { keys } of [first, second]) await keys.keysFor('one')
    clock.ms += 21 * MINUTE
    first.state.answer = () => new Promise<Response>(() => undefined)
    void first.keys.keysFor('one')
    await settled()
    expect(await second.keys.keysFor('one')).toBeDefined()
    expect(second.fetches()).toBe(0)
    expect(second.waits).toEqual([])
  })
  it('who was frozen while it asked holds up the others for three seconds at most', async () => {
    const { clock, start } = shared(() => jwksResponse(one.publicJwk))
    void start(() => new Promise<Response>(() => undefined)).keys.keysFor('one')
    await settled()
    const second = start()
    const cold = second.keys.keysFor('one')
    expect(await cold).toBeUndefined()
    expect(second.events).toEqual([{ kind: 'unanswered' }])
    expect(second.waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(3_000)
    // Its own cool-down would be thirty seconds.
    clock.ms += 3_000
    expect(await second.keys.keysFor('one')).toBeDefined()
  })
  it('a fetch that was frozen with its function is no failure of the issuer: the login after the thaw asks anew, and the end of the old fetch changes nothing', async () => {
    const { clock, start } = shared(() => jwksResponse(one.publicJwk))
    let thaw = (): void => undefined
    const frozen = new Promise<Response>((_, reject) => {
      thaw = () => {
        reject(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
      }
    })
    const { keys, state, fetches, events } = start(() => frozen)
    const before = keys.keysFor('one')
    await settled()
    clock.ms += 10_000
    state.answer = () => jwksResponse(one.publicJwk)
    const after = keys.keysFor('one')
    await settled()
    thaw()
    expect(await after).toBeDefined()
    expect(await before).toBeDefined()
    expect(fetches()).toBe(2)
    expect(events.map(({ kind }) => kind).sort()).toEqual(['fetched', 'frozen'])
    // No cool-down either: a key that is not known yet is asked for at once.
    state.answer = () => jwksResponse(one.publicJwk, two.publicJwk)
    clock.ms += 1
    const lookup = await keys.keysFor('two')
    await expect(lookup?.({ alg: 'ES256', kid: 'two' })).resolves.toBeDefined()
  })
  it('a fetch that was frozen longer than the cool-down and then fails alone costs the next login nothing', async () => {
    const { clock, start } = shared(() => jwksResponse(one.publicJwk))
    let thaw = (): void => undefined
    const frozen = new Promise<Response>((_, reject) => {
      thaw = () => {
        reject(new Error('aborted'))
      }
    })
    const { keys, state } = start(() => frozen)
    const before = keys.keysFor('one')
    await settled()
    clock.ms += 3_600_000
    thaw()
    expect(await before).toBeUndefined()
    state.answer = () => jwksResponse(one.publicJwk)
    expect(await keys.keysFor('one')).toBeDefined()
  })
  it('a set in the store is read as carefully as one of the issuer', async () => {
    const { clock, store, start } = shared(() => jwksResponse(one.publicJwk))
    const forged = { ...two.publicJwk, kty: 'oct', k: 'AAAA' }
    await store.keep({ text: JSON.stringify({ keys: [forged] }), fetchedAtMs: clock.ms }, 'other')
    const { keys, events, fetches } = start()
    expect(await keys.keysFor('one')).toBeDefined()
    expect(fetches()).toBe(1)
    expect(events[0]).toEqual({ kind: 'unshared', reason: 'no usable key' })
  })
  it('a store that cannot be asked costs no login', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('throttled'))
    const store = { read: away, lease: away, keep: away, release: away }
    const { keys, fetches, events } = setUp(() => jwksResponse(one.publicJwk), { store })
    expect(await keys.keysFor('one')).toBeDefined()
    expect(fetches()).toBe(1)
    expect(events.map(({ kind }) => kind)).toContain('unshared')
  })
})

describe('what is no key for us is left out', () => {
  const good = () => one.publicJwk
  it.each([
    ['a symmetric key', () => ({ kty: 'oct', kid: 'x', k: 'AAAA' })],
    ['an encryption key', () => ({ ...good(), kid: 'x', use: 'enc' })],
    ['a key without an id', () => ({ ...good(), kid: undefined })],
    ['a private key', () => ({ ...good(), kid: 'x', d: 'AAAA' })],
    ['another curve', () => ({ ...good(), kid: 'x', crv: 'P-521', alg: 'ES512' })],
    ['another algorithm', () => ({ ...good(), kid: 'x', alg: 'PS256' })],
    ['a short RSA key', () => ({ kty: 'RSA', kid: 'x', n: 'A'.repeat(171), e: 'AQAB' })],
    ['null', () => null],
  ])('%s', async (_title, key) => {
    const { keys, events } = setUp(() => Response.json({ keys: [key(), good()] }))
    await keys.keysFor('one')
    expect(events).toEqual([{ kind: 'fetched', keys: 1 }])
  })
})

it('FLAG-5: the address is https, or a loopback one', () => {
  const at = (url: string) =>
    createJwksCache({ url: new URL(url), clock: fakeClock(), store: memoryKeySets() })
  expect(() => at('http://issuer.example/jwks')).toThrow(TypeError)
  expect(() => at('file:///etc/passwd')).toThrow(TypeError)
  expect(() => at('http://127.0.0.1:9/jwks')).not.toThrow()
})
