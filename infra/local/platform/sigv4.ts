import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What verification needs of an HTTP request, exactly as it stood on the wire. */
export interface SignedRequest {
  readonly method: string
  /** Path and query undecoded: `/prod/@connections/abc%3D?x=1`. */
  readonly rawUrl: string
  /** Lower-case names; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Whole, or the SHA-256 in hex of a body that was not kept. */
  readonly body: Buffer | { readonly sha256: string }
}

/** Parts of the credential scope `{accessKeyId}/{date}/{region}/{service}/aws4_request`. */
export interface SigV4Scope {
  readonly accessKeyId: string
  readonly date: string
  readonly region: string
  readonly service: string
}

export interface SigV4Success extends SigV4Scope {
  readonly ok: true
  /** False when the access key is unknown, so that nothing could be checked. */
  readonly verified: boolean
}

export interface SigV4Failure {
  readonly ok: false
  /** The documented names of AWS's common errors. */
  readonly code:
    | 'MissingAuthenticationToken'
    | 'IncompleteSignature'
    | 'InvalidSignatureException'
    | 'RequestExpired'
  readonly message: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const CLOCK_SKEW_MS = 5 * 60_000
const SIGNING_KEYS_KEPT = 256
const signingKeys = new Map<string, Buffer>()

/**
 * Checks a Signature Version 4, in the `Authorization` header or in the query (presigned). `secretFor` gives the secret of a known
 * access key; a key that it does not know succeeds with `verified: false` (nothing to check against: the caller decides).
 * With `nowMs`, a signature older or newer than five minutes is refused (presigned: `X-Amz-Expires` seconds).
 * Source: IAM User Guide, "Create a signed AWS API request".
 */
export function verifySigV4(
  request: SignedRequest,
  secretFor: (accessKeyId: string) => string | undefined,
  options: { readonly nowMs?: number } = {},
): SigV4Success | SigV4Failure {
  const [rawPath, rawQuery = ''] = splitOnce(request.rawUrl, '?')
  const query = parseQuery(rawQuery)
  const signature = readSignature(request, query)
  if ('ok' in signature) return signature
  const secret = secretFor(signature.scope.accessKeyId)
  if (secret === undefined) return { ok: true, verified: false, ...signature.scope }
  const canonical = [
    request.method,
    canonicalPath(rawPath),
    canonicalQuery(query),
    ...signature.signedHeaders.map((name) => `${name}:${canonicalHeader(request.headers[name])}`),
    '',
    signature.signedHeaders.join(';'),
    signature.payloadHash,
  ].join('\n')
  const { scope } = signature
  const stringToSign = [
    ALGORITHM,
    signature.timestamp,
    `${scope.date}/${scope.region}/${scope.service}/aws4_request`,
    sha256(canonical),
  ].join('\n')
  const expected = createHmac('sha256', signingKey(secret, signature.scope))
    .update(stringToSign)
    .digest()
  const given = Buffer.from(signature.signature, 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return failure(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    )
  if (signature.bodyHash !== undefined && signature.bodyHash !== hashOfBody(request))
    return failure(
      'InvalidSignatureException',
      'The value of x-amz-content-sha256 does not match the SHA-256 of the body.',
    )
  return expired(signature, options.nowMs) ?? { ok: true, verified: true, ...signature.scope }
}

interface ReadSignature {
  readonly scope: SigV4Scope
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly timestamp: string
  readonly payloadHash: string
  /** The hash that the body must have; undefined when it is not part of the signature or was computed from the body. */
  readonly bodyHash: string | undefined
  readonly validMs: number
}

function readSignature(
  request: SignedRequest,
  query: readonly (readonly [string, string])[],
): ReadSignature | SigV4Failure {
  const authorization = one(request.headers.authorization)
  if (authorization !== undefined) return readHeaderSignature(request, authorization)
  const parameter = new Map(query)
  if (parameter.has('X-Amz-Signature')) return readQuerySignature(request, parameter)
  return failure('MissingAuthenticationToken', 'Missing Authentication Token')
}

function readHeaderSignature(
  request: SignedRequest,
  authorization: string,
): ReadSignature | SigV4Failure {
  const fields = new Map(
    authorization
      .slice(ALGORITHM.length)
      .split(',')
      .map((part): [string, string] => {
        const [name, value = ''] = splitOnce(part.trim(), '=')
        return [name, value]
      }),
  )
  const scope = parseScope(fields.get('Credential'))
  const timestamp = one(request.headers['x-amz-date'])
  const signature = fields.get('Signature')
  const signedHeaders = fields.get('SignedHeaders')
  if (
    !authorization.startsWith(`${ALGORITHM} `) ||
    !scope ||
    timestamp === undefined ||
    signature === undefined ||
    signedHeaders === undefined
  )
    return failure(
      'IncompleteSignature',
      `Authorization header must be '${ALGORITHM} Credential=…, SignedHeaders=…, Signature=…' with an X-Amz-Date header.`,
    )
  const declared = one(request.headers['x-amz-content-sha256'])
  return {
    scope,
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    payloadHash: declared ?? hashOfBody(request),
    bodyHash: declared === 'UNSIGNED-PAYLOAD' ? undefined : declared,
    validMs: CLOCK_SKEW_MS,
  }
}

function readQuerySignature(
  request: SignedRequest,
  parameter: ReadonlyMap<string, string>,
): ReadSignature | SigV4Failure {
  const scope = parseScope(parameter.get('X-Amz-Credential'))
  const timestamp = parameter.get('X-Amz-Date')
  const signedHeaders = parameter.get('X-Amz-SignedHeaders')
  if (!scope || timestamp === undefined || signedHeaders === undefined)
    return failure(
      'IncompleteSignature',
      'A signed query needs X-Amz-Credential, X-Amz-Date, X-Amz-SignedHeaders and X-Amz-Signature.',
    )
  return {
    scope,
    signedHeaders: signedHeaders.split(';'),
    signature: parameter.get('X-Amz-Signature') ?? '',
    timestamp,
    payloadHash: hashOfBody(request),
    bodyHash: undefined,
    validMs: Number(parameter.get('X-Amz-Expires') ?? 300) * 1000,
  }
}

function parseScope(credential: string | undefined): SigV4Scope | undefined {
  const [accessKeyId, date, region, service, end] = credential?.split('/') ?? []
  if (!accessKeyId || !date || !region || !service || end !== 'aws4_request') return undefined
  return { accessKeyId, date, region, service }
}

function expired(signature: ReadSignature, nowMs: number | undefined): SigV4Failure | undefined {
  if (nowMs === undefined) return undefined
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(signature.timestamp) ?? []
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (nowMs - at <= signature.validMs && at - nowMs <= CLOCK_SKEW_MS) return undefined
  return failure('RequestExpired', `Signature expired: ${signature.timestamp} is not current.`)
}

/** Everything but S3 encodes each segment of the (already encoded) path once more. */
function canonicalPath(rawPath: string): string {
  if (rawPath === '/' || rawPath === '') return '/'
  const segments: string[] = []
  for (const segment of rawPath.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') segments.pop()
    else segments.push(encode(segment))
  }
  return `/${segments.join('/')}${segments.length > 0 && rawPath.endsWith('/') ? '/' : ''}`
}

function canonicalQuery(query: readonly (readonly [string, string])[]): string {
  return query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function canonicalHeader(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '')
  return text.trim().replace(/ {2,}/g, ' ')
}

function parseQuery(rawQuery: string): (readonly [string, string])[] {
  if (rawQuery === '') return []
  return rawQuery.split('&').map((part) => {
    const [name, value = ''] = splitOnce(part, '=')
    return [decode(name), decode(value)] as const
  })
}

/** The key of a day and service is the same for every request: four HMACs saved per call. */
function signingKey(secret: string, scope: SigV4Scope): Buffer {
  const id = `${secret}/${scope.date}/${scope.region}/${scope.service}`
  const kept = signingKeys.get(id)
  if (kept) return kept
  const key = [scope.date, scope.region, scope.service, 'aws4_request'].reduce<Buffer>(
    (parent, part) => createHmac('sha256', parent).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  )
  if (signingKeys.size >= SIGNING_KEYS_KEPT) signingKeys.clear()
  signingKeys.set(id, key)
  return key
}

function hashOfBody({ body }: SignedRequest): string {
  return Buffer.isBuffer(body) ? sha256(body) : body.sha256
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function failure(code: SigV4Failure['code'], message: string): SigV4Failure {
  return { ok: false, code, message }
}
