import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoKeySets } from '../../backend/src/adapters/dynamo-key-sets.ts'
import { createJwksCache } from '../../backend/src/adapters/jwks-cache.ts'
import type { KeySetStore } from '../../backend/src/adapters/key-set-store.ts'
import {
  fakeIssuer,
  jwksResponse,
  makeKey,
  memoryKeySets,
} from '../../backend/src/adapters/token-fixtures.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite('connections')
})
afterAll(() => database.close())

let serial = 0
const inDynamo = (): KeySetStore =>
  dynamoKeySets(
    { client: database.client, table: 'connections' },
    `https://issuer.example/${++serial}`,
  )
const implementations: readonly (readonly [string, () => KeySetStore])[] = [
  ['in memory', memoryKeySets],
  ['in DynamoDB', inDynamo],
]

describe.each(implementations)('the key set that environments share, %s', (_name, make) => {
  let store: KeySetStore
  beforeEach(() => {
    store = make()
  })
  const lease = (
    nowMs: number,
    untilMs: number,
    { seenMs = nowMs, owner = 'a' } = {},
  ): Promise<boolean> => store.lease({ nowMs, untilMs, seenMs, owner })

  it('is not there before somebody keeps one', async () => {
    expect((await store.read()).text).toBeUndefined()
  })
  it('is asked for by one at a time, until the lease runs out', async () => {
    expect(await lease(1_000, 4_000)).toBe(true)
    expect(await lease(3_999, 9_000)).toBe(false)
    expect(await lease(4_000, 7_000)).toBe(true)
  })
  it('is kept, and with it the lease ends', async () => {
    await lease(1_000, 4_000)
    await store.keep({ text: 'one', fetchedAtMs: 1_000 }, 'a')
    expect(await store.read()).toMatchObject({ text: 'one', fetchedAtMs: 1_000 })
    expect(await lease(1_001, 4_001)).toBe(true)
  })
  it('is not replaced by an older one, whose lease ends as well', async () => {
    await store.keep({ text: 'new', fetchedAtMs: 2_000 }, 'a')
    await lease(2_000, 5_000)
    await store.keep({ text: 'old', fetchedAtMs: 1_000 }, 'a')
    expect(await store.read()).toMatchObject({ text: 'new', fetchedAtMs: 2_000 })
    expect(await lease(2_001, 5_001)).toBe(true)
  })
  it('is not asked for by who has not seen the one that was just kept', async () => {
    await store.keep({ text: 'one', fetchedAtMs: 1_000 }, 'a')
    expect(await lease(1_001, 4_001, { seenMs: 999 })).toBe(false)
    expect(await lease(1_001, 4_001, { seenMs: 1_000 })).toBe(true)
  })
  it('outlives an attempt that got none', async () => {
    await store.keep({ text: 'one', fetchedAtMs: 1_000 }, 'a')
    await lease(2_000, 5_000)
    await store.release('a')
    expect(await store.read()).toMatchObject({ text: 'one', fetchedAtMs: 1_000 })
    expect(await lease(2_001, 5_001)).toBe(true)
  })
  it('is still asked for by its second owner when the first, who was late, ends with a set or without', async () => {
    await lease(1_000, 4_000)
    expect(await lease(4_000, 7_000, { owner: 'b' })).toBe(true)
    await store.release('a')
    expect(await lease(4_001, 7_001, { owner: 'c' })).toBe(false)
    await store.keep({ text: 'late', fetchedAtMs: 1_000 }, 'a')
    expect(await store.read()).toMatchObject({ text: 'late', fetchedAtMs: 1_000 })
    expect(await lease(4_002, 7_002, { owner: 'c' })).toBe(false)
    await store.release('b')
    expect(await lease(4_003, 7_003, { owner: 'c' })).toBe(true)
  })
  it('is fetched once for forty environments that start at once', async () => {
    const key = await makeKey('one')
    const issuer = fakeIssuer(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return jwksResponse(key.publicJwk)
    })
    const clock = { now: () => Date.now() }
    const url = new URL('https://issuer.example/jwks')
    const found = await Promise.all(
      Array.from({ length: 40 }, () =>
        createJwksCache({ url, clock, store, fetch: issuer.fetch }).keysFor('one'),
      ),
    )
    expect(found.every(Boolean)).toBe(true)
    expect(issuer.urls).toHaveLength(1)
  })
})
