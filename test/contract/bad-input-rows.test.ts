import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeTokenWorld, tokenRows } from '../../backend/src/adapters/token-rows.ts'

/** How many rows each part of the bad-input catalogue has (docs/facts): handshake, route messages, tokens. */
const catalogue = { HANDSHAKE: 20, MESSAGE: 25, TOKEN: 28 } as const
const ids = Object.entries(catalogue).flatMap(([part, rows]) =>
  Array.from({ length: rows }, (_, i) => `${part}-${i + 1}`),
)

/** Rows that no title of the end-to-end tables names, and why: `proof` is in the file. */
const elsewhere: Readonly<
  Record<string, { readonly why: string; readonly file: string; readonly proof: string }>
> = {
  'HANDSHAKE-16': {
    why: 'The limit is the account’s, 500 handshakes a second; it takes a clock that stands still to meet it exactly. The jitter is the client’s.',
    file: 'test/conformance/apigateway/throttling.test.ts',
    proof: 'the 501st handshake within a second is answered 429',
  },
  'HANDSHAKE-19': {
    why: 'API Gateway has no listener without TLS; what can go wrong is an address that we hand out.',
    file: 'infra/cloud/socket-api/socket-api.ts',
    proof: 'this.websocketUrl = `wss://',
  },
}

const read = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

/** The ids that titles begin with: of a test, or of a row in its table. */
async function idsInTitles(): Promise<ReadonlySet<string>> {
  const files = ['test/e2e', 'test/systems'].flatMap((folder) =>
    readdirSync(new URL(`../../${folder}`, import.meta.url)).map((name) => `${folder}/${name}`),
  )
  const sources = files
    .filter((name) => /\/bad-.*\.test\.ts$/.test(name))
    .map(read)
    .join('\n')
  const titles = [...sources.matchAll(/['"`]((?:(?:HANDSHAKE|MESSAGE|TOKEN)-\d+(?:, )?)+): /g)].map(
    ([, id]) => id ?? '',
  )
  const setting = { issuer: 'https://issuer.example', audience: 'client-1', now: 1 }
  const rows = tokenRows(await makeTokenWorld(setting)).map(({ title }) => title)
  return new Set(
    [...titles, ...rows].flatMap((text) => text.match(/(?:HANDSHAKE|MESSAGE|TOKEN)-\d+/g) ?? []),
  )
}

describe('the bad-input catalogue', () => {
  it('has a row of the end-to-end tables for each of its 73 ids, or a reason', async () => {
    const named = await idsInTitles()
    expect(ids).toHaveLength(73)
    expect(ids.filter((id) => !named.has(id) && !(id in elsewhere))).toEqual([])
    expect([...named].filter((id) => !ids.includes(id))).toEqual([])
    expect(Object.keys(elsewhere).filter((id) => named.has(id))).toEqual([])
  })

  it.each(Object.entries(elsewhere))('%s is proven elsewhere', (_id, { file, proof }) => {
    expect(read(file)).toContain(proof)
  })
})
