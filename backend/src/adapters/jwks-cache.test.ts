import { beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../core/connections/fakes.ts'
import { createJwksCache, type JwksEvent } from './jwks-cache.ts'
import { fakeIssuer, jwksResponse, makeKey, type TestKey } from './token-fixtures.ts'

let one: TestKey
let two: TestKey
beforeAll(async () => {
  one = await makeKey('one')
  two = await makeKey('two')
})

const MINUTE = 60_000
const down = (): Response => new Response('', { status: 500 })

function setUp(answer: () => Response | Promise<Response>) {
  const clock = fakeClock()
  const events: JwksEvent[] = []
  const state = { answer }
  const issuer = fakeIssuer(() => state.answer())
  const waits: number[] = []
  const keys = createJwksCache({
    url: new URL('https://issuer.example/jwks'),
    clock,
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

describe('P18: rotation', () => {
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
    clock.ms += 400
    arrive(jwksResponse(two.publicJwk))
    await expect((await overdue)?.({ alg: 'ES256', kid: 'one' })).rejects.toMatchObject(noSuchKey)
    expect(waits).toEqual([250])
  })
  it('E3: unknown key ids cannot make us fetch without end', async () => {
    const { keys, clock, fetches } = setUp(() => jwksResponse(one.publicJwk))
    await keys.keysFor('one')
    for (let i = 0; i < 50; i++) await keys.keysFor(`unknown-${i}`)
    expect(fetches()).toBe(4)
    clock.ms += 30_000
    for (let i = 0; i < 50; i++) await keys.keysFor(`unknown-${i}`)
    expect(fetches()).toBe(5)
  })
})

describe('P17: the issuer is down', () => {
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

it('C05: the address is https, or a loopback one', () => {
  const at = (url: string) => createJwksCache({ url: new URL(url), clock: fakeClock() })
  expect(() => at('http://issuer.example/jwks')).toThrow(TypeError)
  expect(() => at('file:///etc/passwd')).toThrow(TypeError)
  expect(() => at('http://127.0.0.1:9/jwks')).not.toThrow()
})
