import type Provider from 'oidc-provider'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import type { AccessTokens } from './access-tokens.ts'
import { errorPage, signedOutPage, signOutPage } from './pages.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { PoolClient } from './user-pool.ts'
import type { DemoUser } from './users.ts'

export interface OidcOptions {
  readonly Provider: typeof Provider
  /** Without a trailing slash. */
  readonly issuer: string
  readonly keys: SigningKeys
  readonly clients: readonly PoolClient[]
  readonly users: readonly DemoUser[]
  readonly accessTokens: AccessTokens
  readonly store: NonNullable<Configuration['adapter']>
  readonly cookieKeys: readonly string[]
}

/**
 * The OIDC provider: code flow with PKCE, refresh tokens, discovery, end session. It hands out Cognito-shaped access tokens
 * in place of its own opaque ones.
 */
export function createOidcProvider(options: OidcOptions): Provider {
  const provider = new options.Provider(options.issuer, configuration(options))
  // Without a listener Koa prints the stack; a client that left in the middle of a request is not even a failure.
  const koa = provider as unknown as NodeJS.EventEmitter
  koa.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET' && error.message !== 'aborted') process.emitWarning(error)
  })
  provider.use(async (ctx, next) => {
    await next()
    const context = ctx as unknown as KoaContextWithOIDC
    if (isIssuing(context)) await replaceAccessToken(context, options)
  })
  return provider
}

interface TokenAnswer {
  access_token: string
  readonly scope?: string
}

function isIssuing(ctx: KoaContextWithOIDC): boolean {
  // Before a route matched there is no `oidc` in the context, whatever the type says.
  const oidc = ctx.oidc as KoaContextWithOIDC['oidc'] | undefined
  return oidc?.route === 'token' && ctx.status === 200
}

async function replaceAccessToken(ctx: KoaContextWithOIDC, options: OidcOptions): Promise<void> {
  const answer = ctx.body as TokenAnswer
  const { account, client, params, entities } = ctx.oidc
  const user = options.users.find(({ username }) => username === account?.accountId)
  const settings = options.clients.find(({ clientId }) => clientId === client?.clientId)
  if (!user || !settings) return
  const refreshing = params?.['grant_type'] === 'refresh_token'
  const authTime = (refreshing ? entities.RefreshToken : entities.AuthorizationCode)?.authTime
  try {
    answer.access_token = await options.accessTokens.mint({
      user,
      clientId: settings.clientId,
      scope: answer.scope ?? '',
      expiresInSeconds: settings.accessTokenTtl,
      trigger: refreshing ? 'TokenGeneration_RefreshTokens' : 'TokenGeneration_HostedAuth',
      ...(authTime === undefined ? {} : { authTime }),
    })
  } catch (error) {
    // A broken trigger is the caller's answer, as from Cognito; nothing half-made leaves.
    ctx.status = 400
    ctx.body = {
      error: 'invalid_request',
      error_description: error instanceof Error ? error.message : 'The token trigger failed.',
    }
  }
}

function configuration(options: OidcOptions): Configuration {
  const { clients, keys } = options
  const [first] = clients
  const port = new URL(options.issuer).port
  return {
    adapter: options.store,
    jwks: { keys: keys.jwks() },
    clients: clients.map(clientMetadata),
    cookies: {
      keys: [...options.cookieKeys],
      // Cookies do not know ports: two systems on one machine must not share a session.
      names: {
        session: `gaugeline_${port}_session`,
        interaction: `gaugeline_${port}_interaction`,
        resume: `gaugeline_${port}_resume`,
      },
    },
    routes: { jwks: '/jwks', end_session: '/logout' },
    scopes: ['openid', 'profile', 'email'],
    claims: {
      openid: ['sub', 'token_use', 'cognito:username', 'cognito:groups'],
      profile: ['name'],
    },
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) => findAccount(options.users, id),
    loadExistingGrant: grantEverything,
    issueRefreshToken: () => true,
    rotateRefreshToken: false,
    clientBasedCORS: (_ctx, origin, client) =>
      (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin),
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    ttl: {
      AccessToken: first?.accessTokenTtl ?? 3_600,
      IdToken: first?.idTokenTtl ?? 3_600,
      RefreshToken: first?.refreshTokenTtl ?? 3_600,
      AuthorizationCode: 300,
      Interaction: 3_600,
      // As Cognito's sign-in pages remember a browser.
      Session: 3_600,
      Grant: first?.refreshTokenTtl ?? 3_600,
    },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      userinfo: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.type = 'html'
          ctx.body = signOutPage(form)
        },
        postLogoutSuccessSource(ctx) {
          ctx.type = 'html'
          ctx.body = signedOutPage()
        },
      },
    },
    renderError(ctx, out) {
      ctx.type = 'html'
      ctx.body = errorPage(out.error_description ?? out.error)
    },
  }
}

/** A browser cannot keep a secret: a public client with PKCE. */
function clientMetadata(client: PoolClient): NonNullable<Configuration['clients']>[number] {
  return {
    client_id: client.clientId,
    client_name: client.name,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.logoutUris],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: client.scopes.join(' '),
  }
}

function findAccount(
  users: readonly DemoUser[],
  id: string,
): Awaited<ReturnType<NonNullable<Configuration['findAccount']>>> {
  const user = users.find(({ username }) => username === id)
  if (!user) return undefined
  return {
    accountId: id,
    claims: () => ({
      sub: id,
      name: user.name,
      token_use: 'id',
      'cognito:username': id,
      'cognito:groups': [...user.groups],
    }),
  }
}

/** The dashboard is ours: nobody is asked whether it may know who they are. */
async function grantEverything(ctx: KoaContextWithOIDC) {
  const { client, session, provider, params } = ctx.oidc
  if (!client || !session?.accountId) return undefined
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  const scope = params?.['scope']
  grant.addOIDCScope(typeof scope === 'string' ? scope : 'openid')
  await grant.save()
  return grant
}
