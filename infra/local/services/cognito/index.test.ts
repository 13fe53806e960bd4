import { createHash, createPublicKey, type JsonWebKey, randomBytes, verify } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import type { Fault, InvocationResult } from '../../platform/types.ts'
import { type Cognito, createCognito } from './index.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }
const dashboard = 'http://127.0.0.1:8080'
const nowMs = Date.UTC(2026, 10, 23)

interface Invocation {
  functionName: string
  payload: Record<string, unknown>
  invokedBy?: unknown
}

let cognito: Cognito
let clientId: string
let invocations: Invocation[]
let preToken: (payload: Record<string, unknown>) => Omit<InvocationResult, 'requestId'>
let jwksFault: Fault | undefined
let hosts: Record<string, string>

const addClaims = (claims: unknown) => (payload: object) => ({
  payload: {
    ...payload,
    response: {
      claimsAndScopeOverrideDetails: { accessTokenGeneration: { claimsToAddOrOverride: claims } },
    },
  },
})

const resource = (type: string, logicalId: string, properties: Record<string, unknown>) => {
  const provider = cognito.providers.find((candidate) => candidate.type === type)!
  return provider.create({ logicalId, type, properties })
}

beforeEach(async () => {
  invocations = []
  hosts = {}
  jwksFault = undefined
  preToken = addClaims({ roles: ['operator'], devices: ['plant-1/#'], sub: 'mallory' })
  cognito = createCognito({
    account,
    clock: manualClock(nowMs),
    functions: {
      invoke(request) {
        invocations.push(request as unknown as Invocation)
        return Promise.resolve({
          requestId: 'r',
          ...preToken(request.payload as Record<string, unknown>),
        })
      },
    },
    hostMap: {
      add(host, address) {
        hosts[host] = address
      },
    },
    faults: { at: (seam) => (seam === 'jwks' ? jwksFault : undefined) },
    port: 0,
    localKey: 'the-key',
  })
  await cognito.start()
  await resource('AWS::Cognito::UserPool', 'Users', {
    LambdaConfig: { PreTokenGenerationConfig: { LambdaArn: 'arn:pre', LambdaVersion: 'V2_0' } },
  })
  const client = await resource('AWS::Cognito::UserPoolClient', 'Client', {
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'profile'],
    CallbackURLs: [`${dashboard}/callback`],
    LogoutURLs: [`${dashboard}/`],
    AccessTokenValidity: 60,
    TokenValidityUnits: { AccessToken: 'minutes' },
  })
  clientId = client.ref
})

afterEach(() => cognito.stop())

/** A browser as far as a sign-in needs one: cookies, no automatic redirects. */
function browser() {
  const cookies = new Map<string, string>()
  return async (url: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(url, cognito.issuer), {
      redirect: 'manual',
      ...init,
      headers: {
        ...(init.headers as Record<string, string>),
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
      if (value === '') cookies.delete(name!)
      else cookies.set(name!, value!)
    }
    return response
  }
}

const form = (fields: Record<string, string>): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
})

const verifier = randomBytes(32).toString('base64url')

async function startSignIn(visit: ReturnType<typeof browser>) {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: `${dashboard}/callback`,
    response_type: 'code',
    scope: 'openid profile',
    state: 's1',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const started = await visit(`/auth?${query.toString()}`)
  return started.headers.get('location')!
}

async function signIn(visit: ReturnType<typeof browser>, username = 'ana') {
  const page = await startSignIn(visit)
  const signedIn = await visit(page, form({ username, password: 'gaugeline' }))
  const back = await visit(signedIn.headers.get('location')!)
  return new URL(back.headers.get('location')!)
}

const exchange = (fields: Record<string, string>) =>
  fetch(`${cognito.issuer}/token`, {
    ...form({ client_id: clientId, ...fields }),
    headers: { origin: dashboard },
  })

async function tokens() {
  const callback = await signIn(browser())
  const response = await exchange({
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code')!,
    redirect_uri: `${dashboard}/callback`,
    code_verifier: verifier,
  })
  return (await response.json()) as Record<string, string>
}

const decode = (token: string, part: 0 | 1) =>
  JSON.parse(Buffer.from(token.split('.')[part]!, 'base64url').toString()) as Record<
    string,
    unknown
  >

async function isSignedByIssuer(token: string) {
  const jwks = (await (await fetch(cognito.jwksUri)).json()) as { keys: JsonWebKey[] }
  const jwk = jwks.keys.find((key) => key['kid'] === decode(token, 0)['kid'])
  const [header, payload, signature] = token.split('.')
  return (
    jwk !== undefined &&
    verify(
      'RSA-SHA256',
      Buffer.from(`${header!}.${payload!}`),
      createPublicKey({ key: jwk, format: 'jwk' }),
      Buffer.from(signature!, 'base64url'),
    )
  )
}

const local = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${cognito.issuer}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'x-gaugeline-key': 'the-key', ...headers },
  })

const mint = async (body: object) =>
  ((await (await local('/local/token', body)).json()) as { token: string }).token

describe('user pool', () => {
  it('gives the local issuer as ProviderURL and tells the host map its cloud names', async () => {
    await resource('AWS::Cognito::UserPoolDomain', 'Domain', { Domain: 'gl', UserPoolId: 'x' })
    const port = new URL(cognito.issuer).host
    expect(hosts).toEqual({
      'cognito-idp.eu-west-1.amazonaws.com': port,
      'gl.auth.eu-west-1.amazoncognito.com': port,
    })
  })

  it('refuses a second pool, a secret and another flow by name', () => {
    expect(() => resource('AWS::Cognito::UserPool', 'Second', {})).toThrow(/Second: one user pool/)
    const client = (properties: object) => () =>
      resource('AWS::Cognito::UserPoolClient', 'CFN-2', {
        AllowedOAuthFlows: ['code'],
        ...properties,
      })
    expect(client({ GenerateSecret: true })).toThrow(/CFN-2: GenerateSecret/)
    expect(client({ AllowedOAuthFlows: ['implicit'] })).toThrow(/CFN-2: AllowedOAuthFlows/)
  })
})

describe('sign-in', () => {
  it('leads from the dashboard through the page back to the dashboard with a code', async () => {
    const callback = await signIn(browser())
    expect(callback.origin + callback.pathname).toBe(`${dashboard}/callback`)
    expect(callback.searchParams.get('state')).toBe('s1')
    expect(callback.searchParams.get('code')).toMatch(/.{20}/)
  })

  it('shows every demo user as a card, without script, framed by nobody', async () => {
    const visit = browser()
    const page = await visit(await startSignIn(visit))
    const html = await page.text()
    for (const name of ['ana', 'vic', 'olli', 'ada']) expect(html).toContain(`sign-in-${name}`)
    expect(html).not.toContain('<script')
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('content-security-policy')).toContain(`form-action 'self' ${dashboard}`)
  })

  it('refuses a wrong password with a sentence and keeps the name as text', async () => {
    const visit = browser()
    const page = await startSignIn(visit)
    const refused = await visit(page, form({ username: '<b>eve', password: 'guess' }))
    expect(refused.status).toBe(401)
    const html = await refused.text()
    expect(html).toContain('&#60;b&#62;eve')
    expect(html).not.toContain('<b>eve')
  })

  it('answers a foreign browser that has no interaction with a page, not a crash', async () => {
    const page = await startSignIn(browser())
    const response = await browser()(page)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('started in another browser')
  })

  it('does not redirect to an address the template does not name', async () => {
    const query = `client_id=${clientId}&redirect_uri=https%3A%2F%2Fevil.example%2F&response_type=code&scope=openid`
    const response = await browser()(`/auth?${query}`)
    expect(response.status).toBe(400)
    expect(response.headers.get('location')).toBeNull()
  })
})

describe('tokens', () => {
  it('have the claims of a Cognito access token, signed RS256 by a key of the key set', async () => {
    const { access_token: token } = await tokens()
    expect(await isSignedByIssuer(token!)).toBe(true)
    expect(Object.keys(decode(token!, 0)).sort()).toEqual(['alg', 'kid'])
    const now = nowMs / 1_000
    expect(decode(token!, 1)).toMatchObject({
      iss: cognito.issuer,
      sub: 'ana',
      username: 'ana',
      client_id: clientId,
      token_use: 'access',
      version: 2,
      scope: 'openid profile',
      'cognito:groups': ['operator'],
      iat: now,
      exp: now + 3_600,
    })
    expect(decode(token!, 1)).not.toHaveProperty('aud')
  })

  it('carry what the pre token trigger adds, which cannot change who it is for', async () => {
    const { access_token: token } = await tokens()
    expect(decode(token!, 1)).toMatchObject({
      sub: 'ana',
      roles: ['operator'],
      devices: ['plant-1/#'],
    })
    expect(invocations[0]).toMatchObject({
      functionName: 'arn:pre',
      invokedBy: { service: 'cognito-idp.amazonaws.com' },
      payload: {
        version: '2',
        triggerSource: 'TokenGeneration_HostedAuth',
        userName: 'ana',
        request: {
          userAttributes: { 'custom:devices': 'plant-1/#' },
          groupConfiguration: { groupsToOverride: ['operator'] },
        },
      },
    })
  })

  it('are refused as a whole when the trigger fails', async () => {
    preToken = () => ({ functionError: 'Unhandled', payload: { errorMessage: 'boom' } })
    const answer = await tokens()
    expect(answer).toEqual({
      error: 'invalid_request',
      error_description: 'PreTokenGenerationConfig failed with error boom.',
    })
  })

  it('are renewed by the refresh token, and the trigger runs again', async () => {
    const { refresh_token: refreshToken } = await tokens()
    const response = await exchange({
      grant_type: 'refresh_token',
      refresh_token: refreshToken!,
    })
    const renewed = (await response.json()) as { access_token: string }
    expect(await isSignedByIssuer(renewed.access_token)).toBe(true)
    expect(invocations[1]!.payload['triggerSource']).toBe('TokenGeneration_RefreshTokens')
  })

  it('are not given without the PKCE verifier', async () => {
    const callback = await signIn(browser())
    const response = await exchange({
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code')!,
      redirect_uri: `${dashboard}/callback`,
      code_verifier: randomBytes(32).toString('base64url'),
    })
    expect(response.status).toBe(400)
  })

  it('may be fetched by the dashboard only (CORS)', async () => {
    const preflight = (origin: string) =>
      fetch(`${cognito.issuer}/token`, {
        ...form({ client_id: clientId, grant_type: 'refresh_token', refresh_token: 'x' }),
        headers: { origin },
      })
    const own = await preflight(dashboard)
    const foreign = await preflight('http://evil.example')
    expect(own.headers.get('access-control-allow-origin')).toBe(dashboard)
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('local tokens', () => {
  it('go the same way as those of a sign-in', async () => {
    const body = { user: 'zoe', roles: ['viewer'], devices: ['plant-9/#'], expiresIn: 30 }
    const token = await mint(body)
    expect(await isSignedByIssuer(token)).toBe(true)
    const claims = decode(token, 1)
    expect(claims).toMatchObject({ sub: 'zoe', 'cognito:groups': ['viewer'] })
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(30)
    expect(invocations[0]!.payload).toMatchObject({
      request: { userAttributes: { 'custom:devices': 'plant-9/#' } },
    })
  })

  it.each([
    ['a wrong key', { 'x-gaugeline-key': 'guess' }, 403],
    ['a browser', { origin: 'http://127.0.0.1:8080' }, 403],
  ])('are refused to %s', async (_who, headers, status) => {
    const response = await local('/local/token', { user: 'ana' }, headers)
    expect(response.status).toBe(status)
  })

  it.each([
    [{}, /user must be/],
    [{ user: 'a', roles: 'admin' }, /roles must be/],
    [{ user: 'a', devices: [1] }, /devices must be/],
    [{ user: 'a', expiresIn: 0 }, /at least 1/],
    [{ user: 'a', expiresIn: 1e9 }, /at most 86400/],
    ['x', /JSON object/],
  ])('say what is wrong with %j', async (body, sentence) => {
    const response = await local('/local/token', body)
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(sentence)
  })
})

describe('keys', () => {
  it('rotate without ending what the old key signed', async () => {
    const old = await mint({ user: 'ana' })
    await local('/local/rotate', {})
    const fresh = await mint({ user: 'ana' })
    expect(decode(fresh, 0)['kid']).not.toBe(decode(old, 0)['kid'])
    expect(await isSignedByIssuer(old)).toBe(true)
    expect(await isSignedByIssuer(fresh)).toBe(true)
  })

  it('can be withdrawn at once', async () => {
    const old = await mint({ user: 'ana' })
    await local('/local/rotate', { keepOld: false })
    expect(await isSignedByIssuer(old)).toBe(false)
  })

  it("are published at Cognito's address too, without private parts", async () => {
    const response = await fetch(`${cognito.issuer}/.well-known/jwks.json`)
    const { keys } = (await response.json()) as { keys: object[] }
    expect(Object.keys(keys[0]!).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  it('fail on purpose at the seam jwks', async () => {
    jwksFault = { kind: 'error', status: 503 }
    expect((await fetch(cognito.jwksUri)).status).toBe(503)
    jwksFault = { kind: 'drop' }
    await expect(fetch(cognito.jwksUri)).rejects.toThrow()
  })
})

describe('signing out', () => {
  const logoutUri = `${dashboard}/`
  const signOut = (visit: ReturnType<typeof browser>, query: Readonly<Record<string, string>>) =>
    visit(`/logout?${new URLSearchParams(query).toString()}`)

  it.each([
    ['without client_id', () => ({ logout_uri: logoutUri }), 'client_id'],
    ['as the standard has it, without logout_uri', () => ({ client_id: clientId }), 'logout_uri'],
    [
      'to an address of somebody else',
      () => ({ client_id: clientId, logout_uri: 'https://e.example/' }),
      'redirect_mismatch',
    ],
    ['of an unknown client', () => ({ client_id: 'x', logout_uri: logoutUri }), 'client_id'],
  ])('is refused %s, as by Cognito', async (_, query, word) => {
    const refused = await signOut(browser(), query())
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain(word)
  })

  it('ends the session of the sign-in pages and leads back to the dashboard', async () => {
    const visit = browser()
    await signIn(visit)
    const page = await signOut(visit, { client_id: clientId, logout_uri: logoutUri, other: '1' })
    const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(await page.text())!
    const confirmed = await visit('/logout/confirm', form({ xsrf: xsrf!, logout: 'yes' }))
    const back = new URL(confirmed.headers.get('location')!, cognito.issuer)
    expect(back.href).toBe(logoutUri)
    // Asked for the name again, instead of being led on.
    expect(await startSignIn(visit)).toContain('/sign-in/')
  })
})
