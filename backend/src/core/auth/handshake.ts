import { BEARER_PREFIX, SUBPROTOCOL } from '../../protocol/index.ts'

type Headers = Readonly<Record<string, string | undefined>>

/** A header's value whatever the case of its name, or `undefined`. */
export function readHeader(headers: Headers | null | undefined, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === wanted)?.[1]
}

/**
 * What a client offered in `Sec-WebSocket-Protocol` (APIGW-24: one comma-separated string). `token` is `undefined` when
 * there is no bearer entry or more than one: an ambiguous request is not authenticated by either.
 */
export function readOffer(headers: Headers | null | undefined): {
  readonly token: string | undefined
  readonly offersProtocol: boolean
  readonly repeats: boolean
} {
  const entries = (readHeader(headers, 'Sec-WebSocket-Protocol') ?? '')
    .split(',')
    .map((entry) => entry.trim())
  const bearers = entries.filter((entry) => entry.startsWith(BEARER_PREFIX))
  return {
    token: bearers.length === 1 ? bearers[0]?.slice(BEARER_PREFIX.length) : undefined,
    offersProtocol: entries.includes(SUBPROTOCOL),
    repeats: new Set(entries).size !== entries.length,
  }
}
