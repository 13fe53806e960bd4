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
  /** Begins with the row's id in docs/facts. */
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

/** Rows TOKEN-1–TOKEN-28 of the bad-input catalogue, without TOKEN-27 (a matter of revocations, not of the token). */
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
      row(`TOKEN-1: ${JSON.stringify(text)}`, 'TOKEN_MALFORMED', () => text),
    ),
    row('TOKEN-9: unknown crit', 'TOKEN_MALFORMED', () =>
      forgedToken({ ...header, crit: ['x'], x: 1 }, claims),
    ),
    row('TOKEN-10: b64 false', 'TOKEN_MALFORMED', () => unencoded(ec, claims)),
    ...['hello', '[]', '"x"', 'null', '1'].map((text) =>
      row(`TOKEN-11: payload ${text}`, 'TOKEN_MALFORMED', () => signText(ec, text)),
    ),
    row('TOKEN-22: a claim twice: the last counts', 'ACCEPTED', () =>
      signText(ec, claims.replace('{', '{"sub":"eve",')),
    ),
    row('TOKEN-22: a header member twice: the last counts', 'ACCEPTED', () =>
      signRaw(ec, `{"alg":"none","kid":"x","alg":"ES256","kid":"ec-1"}`, claims),
    ),
    row('TOKEN-22: a header member twice, the last one bad', 'TOKEN_ALGORITHM', () =>
      signRaw(ec, `{"alg":"ES256","kid":"ec-1","alg":"none"}`, claims),
    ),
    row('TOKEN-23: 8 MB', 'TOKEN_TOO_LONG', () => 'a.'.concat('b'.repeat(8 * 2 ** 20), '.c'), 431),
    row('TOKEN-23: 64 KB', 'TOKEN_TOO_LONG', () => sign({ pad: 'x'.repeat(65_536) }), 431),
    row('TOKEN-23: 6 KB', 'TOKEN_TOO_LONG', () => sign({ pad: 'x'.repeat(4_096) })),
    row('TOKEN-24: a flipped bit', 'SIGNATURE_INVALID', async () => flipped(await sign())),
    row('TOKEN-24: a signature (r, n−s), which is the same token', 'ACCEPTED', async () =>
      malleated(await sign()),
    ),
    row(
      'TOKEN-25: an encrypted token',
      'TOKEN_MALFORMED',
      () => `${forgedToken({ alg: 'RSA-OAEP', enc: 'A256GCM' }, 'x')}.eA.eA`,
    ),
    row('TOKEN-28: padding', 'TOKEN_MALFORMED', async () => `${await sign()}==`, 400),
    row('TOKEN-28: a space', 'TOKEN_MALFORMED', async () => ` ${await sign()}`, 400),
    row('TOKEN-28: a newline', 'TOKEN_MALFORMED', async () => `${await sign()}\n`, 400),
    row('TOKEN-28: URL-encoded', 'TOKEN_MALFORMED', async () =>
      (await sign()).replaceAll('.', '%2E'),
    ),
  ]
}

function keyRows(
  { rsa, ec, stranger, pss, rs512 }: TokenWorld,
  sign: Signing,
  claims: string,
): readonly TokenRow[] {
  return [
    ...['none', 'None', 'nOnE'].flatMap((alg) => [
      row(`TOKEN-2: alg ${alg}`, 'TOKEN_ALGORITHM', () => forgedToken({ ...header, alg }, claims)),
      row(`TOKEN-2: alg ${alg}, empty signature`, 'TOKEN_MALFORMED', () =>
        forgedToken({ ...header, alg }, claims, ''),
      ),
    ]),
    row('TOKEN-3: HS256 with the public key as secret', 'TOKEN_ALGORITHM', () =>
      macked(rsa, claims),
    ),
    row('TOKEN-4: PS256 for an RS256 key', 'TOKEN_ALGORITHM', () => sign({}, {}, pss)),
    row('TOKEN-4: RS512 for an RS256 key', 'TOKEN_ALGORITHM', () => sign({}, {}, rs512)),
    row('TOKEN-4: ES256 for the id of an RS256 key', 'KEY_UNKNOWN', () =>
      sign({}, { kid: 'rsa-1' }),
    ),
    row('TOKEN-5: the key embedded as jwk', 'SIGNATURE_INVALID', () =>
      sign({}, { jwk: stranger.publicJwk }, stranger),
    ),
    row('TOKEN-5: x5c', 'SIGNATURE_INVALID', () => sign({}, { x5c: ['MIIB'] }, stranger)),
    row('TOKEN-6: jku and x5u, which are not read', 'ACCEPTED', () =>
      sign({}, { jku: 'http://169.254.169.254/', x5u: 'https://evil.example/' }),
    ),
    ...['../../etc/passwd', "' OR 1=1--", '__proto__', 'constructor', ''].map((kid) =>
      row(`TOKEN-7: kid ${JSON.stringify(kid)}`, 'KEY_UNKNOWN', () => sign({}, { kid })),
    ),
    row('TOKEN-7: kid a number', 'KEY_UNKNOWN', () => sign({}, { kid: 7 })),
    row('TOKEN-7: kid of 1 KB', 'KEY_UNKNOWN', () => sign({}, { kid: 'k'.repeat(1_024) })),
    row(
      'TOKEN-7: kid of 100 KB',
      'TOKEN_TOO_LONG',
      () => sign({}, { kid: 'k'.repeat(102_400) }),
      431,
    ),
    row('TOKEN-8: no kid', 'KEY_UNKNOWN', () => sign({}, { kid: undefined })),
    row('TOKEN-24: another key, same kid', 'SIGNATURE_INVALID', () => signToken(stranger)),
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
    row('TOKEN-12: no exp', 'TIMES_INVALID', () => sign({ exp: undefined })),
    row('TOKEN-12: no iat', 'TIMES_INVALID', () => sign({ iat: undefined })),
    row('TOKEN-13: exp one second ago', 'TOKEN_EXPIRED', () => sign({ exp: now - 1 })),
    row('TOKEN-13: exp now', 'TOKEN_EXPIRED', () => sign({ exp: now })),
    row('TOKEN-14: exp a text', 'TIMES_INVALID', withExp('"1"')),
    row('TOKEN-14: exp a fraction', 'TIMES_INVALID', () => sign({ exp: now + 600.5 })),
    row('TOKEN-14: exp 1e400', 'TIMES_INVALID', withExp('1e400')),
    row('TOKEN-14: exp 9e15', 'TIMES_INVALID', () => sign({ exp: 9e15 })),
    row('TOKEN-14: exp beyond 24 h of life', 'TIMES_INVALID', () => sign({ exp: now + 86_341 })),
    row('TOKEN-14: exp negative', 'TOKEN_EXPIRED', () => sign({ exp: -1 })),
    row('TOKEN-15: nbf ahead', 'TIMES_INVALID', () => sign({ nbf: now + 600 })),
    row('TOKEN-16: iat ahead', 'TIMES_INVALID', () => sign({ iat: now + 600 })),
  ]
}

function addressRows(
  { setting: { issuer, audience } }: TokenWorld,
  sign: Signing,
): readonly TokenRow[] {
  return [
    row('TOKEN-17: another issuer', 'ISSUER_INVALID', () => sign({ iss: 'https://evil.example' })),
    row('TOKEN-17: no issuer', 'ISSUER_INVALID', () => sign({ iss: undefined })),
    row('TOKEN-17: trailing slash', 'ISSUER_INVALID', () => sign({ iss: `${issuer}/` })),
    row('TOKEN-17: issuer an array', 'ISSUER_INVALID', () => sign({ iss: [issuer] })),
    row('TOKEN-18: another aud', 'AUDIENCE_INVALID', () => sign({ aud: 'other' })),
    row('TOKEN-18: another client_id', 'AUDIENCE_INVALID', () => sign({ client_id: 'other' })),
    row('TOKEN-18: neither aud nor client_id', 'AUDIENCE_INVALID', () =>
      sign({ client_id: undefined }),
    ),
    row('TOKEN-18: an array of audiences with ours in it', 'ACCEPTED', () =>
      sign({ aud: ['other', audience], client_id: undefined }),
    ),
    row('TOKEN-19: an ID token by token_use', 'TOKEN_TYPE', () => sign({ token_use: 'id' })),
    row('TOKEN-19: an ID token by its nonce', 'TOKEN_TYPE', () =>
      sign({ token_use: undefined, nonce: 'n' }),
    ),
    row('TOKEN-19: another typ', 'TOKEN_TYPE', () => sign({}, { typ: 'logout+jwt' })),
    ...['JWT', 'at+jwt'].map((typ) =>
      row(`TOKEN-19: typ ${typ}`, 'ACCEPTED', () => sign({}, { typ })),
    ),
    row('TOKEN-26: the staging issuer with the same key', 'ISSUER_INVALID', () =>
      sign({ iss: 'https://staging.issuer.example' }),
    ),
  ]
}

function subjectRows(sign: Signing): readonly TokenRow[] {
  return [
    ...[undefined, '', 'x'.repeat(1_024), 'a#b', 'a|b', 'a\nb'].map((sub, i) =>
      row(`TOKEN-20: bad sub ${i}`, 'SUBJECT_INVALID', () => sign({ sub })),
    ),
    row('TOKEN-21: no devices claim', 'NO_ACCESS', () => sign({ devices: undefined })),
    row('TOKEN-21: devices a text', 'NO_ACCESS', () => sign({ devices: '#' })),
    row('TOKEN-21: no valid topic', 'NO_ACCESS', () => sign({ devices: ['*', 'plant-1/+', 7] })),
    row('TOKEN-21: no role', 'NO_ACCESS', () => sign({ 'cognito:groups': ['guests'] })),
    row(
      'TOKEN-21: 10,000 devices',
      'TOKEN_TOO_LONG',
      () => sign({ devices: Array.from({ length: 10_000 }, (_, i) => `p/d${i}`) }),
      431,
    ),
    row('TOKEN-21: more topics than the cap, short enough to fit', 'ENTITLEMENT_INVALID', () =>
      sign({ devices: Array.from({ length: 201 }, (_, i) => `p/${i}`) }),
    ),
    row('TOKEN-21: everything, by a wildcard', 'ACCEPTED', () => sign({ devices: ['#'] })),
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
