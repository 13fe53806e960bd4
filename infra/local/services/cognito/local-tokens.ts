import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { AccessTokens, TokenRequest } from './access-tokens.ts'
import { answer, readBody, refuse } from './requests.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { PoolRegistry } from './user-pool.ts'

export interface LocalTokensOptions {
  /** Known to this machine's user only; sent in `x-gaugeline-key`. */
  readonly localKey: string
  readonly accessTokens: AccessTokens
  readonly registry: PoolRegistry
  readonly keys: SigningKeys
  /** Keys changed: the OIDC provider must be made again. */
  readonly changed: () => void
}

const MAX_LIFE_SECONDS = 24 * 3_600

/**
 * `POST /local/token` `{user, roles, devices, expiresIn?}` → `{token}`: what a person would get after signing in, for scripts and
 * tests. `POST /local/rotate` `{keepOld}` → `{kid}`: a new signing key. Both want the local key and refuse browsers.
 */
export async function handleLocal(
  request: IncomingMessage,
  response: ServerResponse,
  options: LocalTokensOptions,
): Promise<void> {
  const refusal = refusalOf(request, options.localKey)
  if (refusal) {
    refuse(response, refusal.status, refusal.reason)
    return
  }
  const body = parseJson(await readBody(request))
  if (!body) {
    refuse(response, 400, 'The body must be a JSON object of at most 16 KB.')
    return
  }
  if (request.url === '/local/token') await mint(body, response, options)
  else if (request.url === '/local/rotate') await rotate(body, response, options)
  else refuse(response, 404, 'There is /local/token and /local/rotate.')
}

function refusalOf(
  { method, headers }: IncomingMessage,
  localKey: string,
): { readonly status: number; readonly reason: string } | undefined {
  if (headers.origin !== undefined) return { status: 403, reason: 'Not for browsers.' }
  if (method !== 'POST') return { status: 405, reason: 'Use POST.' }
  const given = Buffer.from(String(headers['x-gaugeline-key'] ?? ''))
  const wanted = Buffer.from(localKey)
  if (given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted)) return undefined
  return { status: 403, reason: 'x-gaugeline-key is not the key of the running system.' }
}

function parseJson(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text ?? '')
    return isObject(body) ? body : undefined
  } catch {
    return undefined
  }
}

async function rotate(
  body: Readonly<Record<string, unknown>>,
  response: ServerResponse,
  { keys, changed }: LocalTokensOptions,
): Promise<void> {
  await keys.rotate({ keepOld: body['keepOld'] !== false })
  changed()
  answer(response, { type: 'json', body: JSON.stringify({ kid: keys.kid }) })
}

async function mint(
  body: Readonly<Record<string, unknown>>,
  response: ServerResponse,
  options: LocalTokensOptions,
): Promise<void> {
  const request = tokenRequest(body, options.registry)
  if (typeof request === 'string') {
    refuse(response, 400, request)
    return
  }
  try {
    const token = await options.accessTokens.mint(request)
    answer(response, { type: 'json', body: JSON.stringify({ token }) })
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    refuse(response, 502, error.message)
  }
}

/** The request, or a sentence that says what is wrong with it. */
function tokenRequest(
  body: Readonly<Record<string, unknown>>,
  registry: PoolRegistry,
): TokenRequest | string {
  const { user, roles = [], devices = [], expiresIn = 3_600 } = body
  if (typeof user !== 'string' || user === '') return 'user must be a name.'
  if (!isTexts(roles)) return 'roles must be a list of names.'
  if (!isTexts(devices)) return "devices must be a list of topics, such as ['plant-1/#']."
  if (typeof expiresIn !== 'number' || !Number.isSafeInteger(expiresIn) || expiresIn < 1)
    return 'expiresIn must be whole seconds, at least 1.'
  if (expiresIn > MAX_LIFE_SECONDS) return `expiresIn must be at most ${MAX_LIFE_SECONDS} s (24 h).`
  const [client] = registry.clients()
  if (!client) return 'The template has no user pool client.'
  return {
    user: { username: user, groups: roles, devices },
    clientId: client.clientId,
    scope: client.scopes.join(' '),
    expiresInSeconds: expiresIn,
    trigger: 'TokenGeneration_HostedAuth',
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
