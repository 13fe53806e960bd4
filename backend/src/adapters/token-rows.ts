import { CompactSign, FlattenedSign } from 'jose'
import { createHmac } from 'node:crypto'
import type { TokenRefusal } from '../core/auth/ports.ts'
import {
  forgedToken,
  goodClaims,
  makeKey,
  signRaw,
  signToken,
  type TestKey,
  type TokenSetting,
} from './token-fixtures.ts'

/** The keys with which the rows are signed; `rsa` and `ec` are the issuer's, published as `rsa-1` and `ec-1`. */
export interface TokenWorld {
  readonly setting: TokenSetting
  readonly rsa: TestKey
  readonly ec: TestKey
  /** Somebody else's key under the name of ours. */
  readonly stranger: TestKey
  readonly pss: TestKey
  readonly rs512: TestKey
}

/** Real keys for one issuer. */
export async function makeTokenWorld(setting: TokenSetting): Promise<TokenWorld> {
  const [rsa, ec, stranger, pss, rs512] = await Promise.all([
    makeKey('rsa-1', 'RS256'),
    makeKey('ec-1'),
    makeKey('ec-1'),
    makeKey('rsa-1', 'PS256'),
    makeKey('rsa-1', 'RS512'),
  ])
  return { setting, rsa, ec, stranger, pss, rs512 }
}

/** A row of the catalogue: what kind of token, and what a verifier that knows the issuer's keys says to it. */
export interface TokenRow {
  /** Begins with the row's id in reliability.md (c). */
  readonly title: string
  readonly token: () => string | Promise<string>
  readonly verdict: TokenRefusal | 'ACCEPTED'
  /** The handshake's status when the token is no text of an HTTP header, or too long for one: no function ever sees it. */
  readonly wireStatus?: 400 | 431
}

type Signing = (
  claims?: Record<string, unknown>,
  header?: Record<string, unknown>,
  key?: TestKey,
) => Promise<string>

const header = { alg: 'ES256', kid: 'ec-1' }
const row = (
  title: string,
  verdict: TokenRow['verdict'],
  token: TokenRow['token'],
  wireStatus?: 400 | 431,
): TokenRow => ({
  title,
  token,
  verdict,
  ...(wireStatus === undefined ? {} : { wireStatus }),
})

/** Rows J01–J28 of the bad-input catalogue, without J27 (a matter of revocations, not of the token). */
export function tokenRows(world: TokenWorld): readonly TokenRow[] {
  const sign: Signing = (claims = {}, head = {}, key = world.ec) =>
    signToken(key, { ...goodClaims(world.setting), ...claims }, head)
  const claims = JSON.stringify(goodClaims(world.setting))
  return [
    ...formRows(world, sign, claims),
    ...keyRows(world, sign, claims),
    ...timeRows(world, sign, claims),
    ...addressRows(world, sign),
    ...subjectRows(sign),
  ]
}

function formRows({ ec }: TokenWorld, sign: Signing, claims: string): readonly TokenRow[] {
  return [
    ...['', 'a', '..', 'a.b', 'a.b.c.d.e'].map((text) =>
      row(`J01: ${JSON.stringify(text)}`, 'TOKEN_MALFORMED', () => text),
    ),
    row('J09: unknown crit', 'TOKEN_MALFORMED', () =>
      forgedToken({ ...header, crit: ['x'], x: 1 }, claims),
    ),
    row('J10: b64 false', 'TOKEN_MALFORMED', () => unencoded(ec, claims)),
    ...['hello', '[]', '"x"', 'null', '1'].map((text) =>
      row(`J11: payload ${text}`, 'TOKEN_MALFORMED', () => signText(ec, text)),
    ),
    row('J22: a claim twice: the last counts', 'ACCEPTED', () =>
      signText(ec, claims.replace('{', '{"sub":"eve",')),
    ),
    row('J22: a header member twice: the last counts', 'ACCEPTED', () =>
      signRaw(ec, `{"alg":"none","kid":"x","alg":"ES256","kid":"ec-1"}`, claims),
    ),
    row('J22: a header member twice, the last one bad', 'TOKEN_ALGORITHM', () =>
      signRaw(ec, `{"alg":"ES256","kid":"ec-1","alg":"none"}`, claims),
    ),
    row('J23: 8 MB', 'TOKEN_TOO_LONG', () => 'a.'.concat('b'.repeat(8 * 2 ** 20), '.c'), 431),
    row('J23: 64 KB', 'TOKEN_TOO_LONG', () => sign({ pad: 'x'.repeat(65_536) }), 431),
    row('J23: 6 KB', 'TOKEN_TOO_LONG', () => sign({ pad: 'x'.repeat(4_096) })),
    row('J24: a flipped bit', 'SIGNATURE_INVALID', async () => flipped(await sign())),
    row('J24: a signature (r, n−s), which is the same token', 'ACCEPTED', async () =>
      malleated(await sign()),
    ),
    row(
      'J25: an encrypted token',
      'TOKEN_MALFORMED',
      () => `${forgedToken({ alg: 'RSA-OAEP', enc: 'A256GCM' }, 'x')}.eA.eA`,
    ),
    row('J28: padding', 'TOKEN_MALFORMED', async () => `${await sign()}==`, 400),
    row('J28: a space', 'TOKEN_MALFORMED', async () => ` ${await sign()}`, 400),
    row('J28: a newline', 'TOKEN_MALFORMED', async () => `${await sign()}\n`, 400),
    row('J28: URL-encoded', 'TOKEN_MALFORMED', async () => (await sign()).replaceAll('.', '%2E')),
  ]
}

function keyRows(
  { rsa, ec, stranger, pss, rs512 }: TokenWorld,
  sign: Signing,
  claims: string,
): readonly TokenRow[] {
  return [
    ...['none', 'None', 'nOnE'].flatMap((alg) => [
      row(`J02: alg ${alg}`, 'TOKEN_ALGORITHM', () => forgedToken({ ...header, alg }, claims)),
      row(`J02: alg ${alg}, empty signature`, 'TOKEN_MALFORMED', () =>
        forgedToken({ ...header, alg }, claims, ''),
      ),
    ]),
    row('J03: HS256 with the public key as secret', 'TOKEN_ALGORITHM', () => macked(rsa, claims)),
    row('J04: PS256 for an RS256 key', 'TOKEN_ALGORITHM', () => sign({}, {}, pss)),
    row('J04: RS512 for an RS256 key', 'TOKEN_ALGORITHM', () => sign({}, {}, rs512)),
    row('J04: ES256 for the id of an RS256 key', 'KEY_UNKNOWN', () => sign({}, { kid: 'rsa-1' })),
    row('J05: the key embedded as jwk', 'SIGNATURE_INVALID', () =>
      sign({}, { jwk: stranger.publicJwk }, stranger),
    ),
    row('J05: x5c', 'SIGNATURE_INVALID', () => sign({}, { x5c: ['MIIB'] }, stranger)),
    row('J06: jku and x5u, which are not read', 'ACCEPTED', () =>
      sign({}, { jku: 'http://169.254.169.254/', x5u: 'https://evil.example/' }),
    ),
    ...['../../etc/passwd', "' OR 1=1--", '__proto__', 'constructor', ''].map((kid) =>
      row(`J07: kid ${JSON.stringify(kid)}`, 'KEY_UNKNOWN', () => sign({}, { kid })),
    ),
    row('J07: kid a number', 'KEY_UNKNOWN', () => sign({}, { kid: 7 })),
    row('J07: kid of 1 KB', 'KEY_UNKNOWN', () => sign({}, { kid: 'k'.repeat(1_024) })),
    row('J07: kid of 100 KB', 'TOKEN_TOO_LONG', () => sign({}, { kid: 'k'.repeat(102_400) }), 431),
    row('J08: no kid', 'KEY_UNKNOWN', () => sign({}, { kid: undefined })),
    row('J24: another key, same kid', 'SIGNATURE_INVALID', () => signToken(stranger)),
    row('a good one of RS256', 'ACCEPTED', () => sign({}, {}, rsa)),
    row('a good one of ES256', 'ACCEPTED', () => sign({}, {}, ec)),
  ]
}

/** Of `exp` as the good claims write it. */
function timeRows(
  { ec, setting: { now } }: TokenWorld,
  sign: Signing,
  claims: string,
): readonly TokenRow[] {
  const withExp = (text: string) => () => signText(ec, claims.replace(/"exp":\d+/, `"exp":${text}`))
  return [
    row('J12: no exp', 'TIMES_INVALID', () => sign({ exp: undefined })),
    row('J12: no iat', 'TIMES_INVALID', () => sign({ iat: undefined })),
    row('J13: exp one second ago', 'TOKEN_EXPIRED', () => sign({ exp: now - 1 })),
    row('J13: exp now', 'TOKEN_EXPIRED', () => sign({ exp: now })),
    row('J14: exp a text', 'TIMES_INVALID', withExp('"1"')),
    row('J14: exp a fraction', 'TIMES_INVALID', () => sign({ exp: now + 600.5 })),
    row('J14: exp 1e400', 'TIMES_INVALID', withExp('1e400')),
    row('J14: exp 9e15', 'TIMES_INVALID', () => sign({ exp: 9e15 })),
    row('J14: exp beyond 24 h of life', 'TIMES_INVALID', () => sign({ exp: now + 86_341 })),
    row('J14: exp negative', 'TOKEN_EXPIRED', () => sign({ exp: -1 })),
    row('J15: nbf ahead', 'TIMES_INVALID', () => sign({ nbf: now + 600 })),
    row('J16: iat ahead', 'TIMES_INVALID', () => sign({ iat: now + 600 })),
  ]
}

function addressRows(
  { setting: { issuer, audience } }: TokenWorld,
  sign: Signing,
): readonly TokenRow[] {
  return [
    row('J17: another issuer', 'ISSUER_INVALID', () => sign({ iss: 'https://evil.example' })),
    row('J17: no issuer', 'ISSUER_INVALID', () => sign({ iss: undefined })),
    row('J17: trailing slash', 'ISSUER_INVALID', () => sign({ iss: `${issuer}/` })),
    row('J17: issuer an array', 'ISSUER_INVALID', () => sign({ iss: [issuer] })),
    row('J18: another aud', 'AUDIENCE_INVALID', () => sign({ aud: 'other' })),
    row('J18: another client_id', 'AUDIENCE_INVALID', () => sign({ client_id: 'other' })),
    row('J18: neither aud nor client_id', 'AUDIENCE_INVALID', () => sign({ client_id: undefined })),
    row('J18: an array of audiences with ours in it', 'ACCEPTED', () =>
      sign({ aud: ['other', audience], client_id: undefined }),
    ),
    row('J19: an ID token by token_use', 'TOKEN_TYPE', () => sign({ token_use: 'id' })),
    row('J19: an ID token by its nonce', 'TOKEN_TYPE', () =>
      sign({ token_use: undefined, nonce: 'n' }),
    ),
    row('J19: another typ', 'TOKEN_TYPE', () => sign({}, { typ: 'logout+jwt' })),
    ...['JWT', 'at+jwt'].map((typ) => row(`J19: typ ${typ}`, 'ACCEPTED', () => sign({}, { typ }))),
    row('J26: the staging issuer with the same key', 'ISSUER_INVALID', () =>
      sign({ iss: 'https://staging.issuer.example' }),
    ),
  ]
}

function subjectRows(sign: Signing): readonly TokenRow[] {
  return [
    ...[undefined, '', 'x'.repeat(1_024), 'a#b', 'a|b', 'a\nb'].map((sub, i) =>
      row(`J20: bad sub ${i}`, 'SUBJECT_INVALID', () => sign({ sub })),
    ),
    row('J21: no devices claim', 'NO_ACCESS', () => sign({ devices: undefined })),
    row('J21: devices a text', 'NO_ACCESS', () => sign({ devices: '#' })),
    row('J21: no valid topic', 'NO_ACCESS', () => sign({ devices: ['*', 'plant-1/+', 7] })),
    row('J21: no role', 'NO_ACCESS', () => sign({ 'cognito:groups': ['guests'] })),
    row(
      'J21: 10,000 devices',
      'TOKEN_TOO_LONG',
      () => sign({ devices: Array.from({ length: 10_000 }, (_, i) => `p/d${i}`) }),
      431,
    ),
    row('J21: more topics than the cap, short enough to fit', 'ENTITLEMENT_INVALID', () =>
      sign({ devices: Array.from({ length: 201 }, (_, i) => `p/${i}`) }),
    ),
    row('J21: everything, by a wildcard', 'ACCEPTED', () => sign({ devices: ['#'] })),
  ]
}

/** A token whose payload is this text, genuinely signed. */
async function signText(key: TestKey, payload: string): Promise<string> {
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader(header)
    .sign(key.privateKey)
}

async function unencoded(key: TestKey, claims: string): Promise<string> {
  const payload = Buffer.from(claims).toString('base64url')
  const signed = await new FlattenedSign(Buffer.from(payload))
    .setProtectedHeader({ ...header, b64: false, crit: ['b64'] })
    .sign(key.privateKey)
  return [signed.protected, payload, signed.signature].join('.')
}

function macked(key: TestKey, claims: string): string {
  const body = forgedToken({ alg: 'HS256', kid: 'rsa-1' }, claims).split('.').slice(0, 2)
  const secret = JSON.stringify(key.publicJwk)
  const mac = createHmac('sha256', secret).update(body.join('.')).digest('base64url')
  return [...body, mac].join('.')
}

function flipped(token: string): string {
  const at = token.lastIndexOf('.') + 5
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

/** Order of the curve P-256 (SEC 2, 2.4.2). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** Another valid signature of the same ES256 token, which anybody can make of the first. */
export function malleated(token: string): string {
  const [head = '', payload = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const other = (P256_ORDER - s).toString(16).padStart(64, '0')
  const pair = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')])
  return `${head}.${payload}.${pair.toString('base64url')}`
}
