import type { JSONWebKeySet, JWK } from 'jose'

const FETCH_TIMEOUT_MS = 2_000
const MAX_BYTES = 512 * 1_024
const MAX_KEYS = 32
const MIN_RSA_BITS = 2_048

/**
 * The issuer's key set by one request, without what is no key for us. Two seconds, 512 KiB and 32 keys at most; a redirect is not followed.
 *
 * @throws Error saying what came instead of a key set.
 */
export async function fetchKeySet(url: URL, fetcher: typeof fetch): Promise<JSONWebKeySet> {
  const response = await fetcher(url, {
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`status ${response.status}`)
  }
  return readKeySet(await readBounded(response))
}

/** @throws Error when the text is no key set, or one without a key for us. */
export function readKeySet(text: string): JSONWebKeySet {
  const parsed = JSON.parse(text) as { keys?: unknown } | null
  if (!Array.isArray(parsed?.keys)) throw new Error('not a key set')
  const keys = (parsed.keys as unknown[]).filter(isUsable).slice(0, MAX_KEYS).map(bareKey)
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

/** What verifies, without certificate chains: they would be most of the bytes that are kept. */
function bareKey({ kty, kid, alg, use, n, e, crv, x, y }: JWK): JWK {
  const members = Object.entries({ kty, kid, alg, use, n, e, crv, x, y })
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}
