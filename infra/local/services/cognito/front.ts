import { randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Account, Clock, Faults, Functions } from '../../platform/types.ts'
import { createAccessTokens } from './access-tokens.ts'
import { handleLocal } from './local-tokens.ts'
import { createOidcStore } from './oidc-store.ts'
import { createOidcProvider } from './oidc.ts'
import { errorPage, signOutScript, styleSheet } from './pages.ts'
import { type Answer, answer, isLocalHost, refuse } from './requests.ts'
import { handleSignIn } from './sign-in.ts'
import { readSignOut } from './sign-out.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { PoolClient, PoolRegistry } from './user-pool.ts'
import { demoUsers } from './users.ts'

export interface FrontOptions {
  readonly account: Account
  readonly clock: Clock
  readonly functions: Pick<Functions, 'invoke'>
  readonly faults?: Faults
  readonly localKey: string
  readonly Provider: typeof Provider
  readonly registry: PoolRegistry
  readonly keys: SigningKeys
  readonly issuer: () => string
}

export interface Front {
  readonly handle: RequestListener
  /** Clients or keys changed: the OIDC provider is made again at the next request; sessions and codes stay. */
  readonly reset: () => void
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

const fixed: Readonly<Record<string, Answer>> = {
  '/local/pages.css': { type: 'css', body: styleSheet },
  '/local/sign-out.js': { type: 'javascript', body: signOutScript },
}
/** Cognito's address of the key set, and the short one. */
const JWKS_PATHS = ['/.well-known/jwks.json', '/jwks']

/** Which part of the issuer answers which path. */
export function createFront(options: FrontOptions): Front {
  const accessTokens = createAccessTokens(options)
  const providers = createProviders(options, accessTokens)
  const local: Handler = (request, response) =>
    handleLocal(request, response, { ...options, accessTokens, changed: providers.reset })
  const oidc: Handler = async (request, response) => {
    const clients = options.registry.clients()
    if (clients.length === 0) {
      refuse(response, 503, 'The template has no user pool client.')
      return
    }
    protect(response, clients)
    const signOut = readSignOut(request, clients)
    if (signOut.outcome === 'refused') {
      answer(response, { status: 400, type: 'html', body: errorPage(signOut.reason) })
      return
    }
    if (signOut.outcome === 'accepted') request.url = signOut.url
    const provider = providers.current()
    if (request.url?.startsWith('/sign-in/')) await handleSignIn(provider, request, response)
    else await provider.callback()(request, response)
  }
  const route: Handler = async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const asset = fixed[path]
    if (!isLocalHost(request.headers.host))
      refuse(response, 403, 'Host is not this machine; use 127.0.0.1.')
    else if (asset) answer(response, asset)
    else if (path.startsWith('/local/')) await local(request, response)
    else if (!JWKS_PATHS.includes(path)) await oidc(request, response)
    else if (!(await failJwks(options, request, response))) {
      request.url = '/jwks'
      await oidc(request, response)
    }
  }
  return {
    handle(request, response) {
      Promise.resolve(route(request, response)).catch((error: unknown) => {
        // The client left in the middle: there is nobody to tell, and nothing is wrong here.
        if (request.destroyed && !request.complete) return
        if (!response.headersSent) refuse(response, 500, 'The sign-in service failed.')
        process.emitWarning(error instanceof Error ? error : String(error))
      })
    },
    reset: providers.reset,
  }
}

function createProviders(
  options: FrontOptions,
  accessTokens: ReturnType<typeof createAccessTokens>,
): { readonly current: () => Provider; readonly reset: () => void } {
  const store = createOidcStore()
  const cookieKeys = [randomBytes(24).toString('base64url')]
  let provider: Provider | undefined
  return {
    current: () =>
      (provider ??= createOidcProvider({
        Provider: options.Provider,
        issuer: options.issuer(),
        keys: options.keys,
        clients: options.registry.clients(),
        users: demoUsers,
        accessTokens,
        store,
        cookieKeys,
      })),
    reset() {
      provider = undefined
    },
  }
}

/** A fault on purpose at the key set (seam `jwks`); true when the answer has been given or withheld. */
async function failJwks(
  { faults, clock }: FrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const fault = faults?.at('jwks', request.url)
  switch (fault?.kind) {
    case 'throttle':
      refuse(response, 429, 'Too many requests (fault on purpose)')
      return true
    case 'error':
      response
        .writeHead(fault.status ?? 500, { 'content-type': 'application/json' })
        .end(fault.message ?? '{"message":"Failed on purpose"}')
      return true
    case 'drop':
      request.socket.destroy()
      return true
    case 'delay':
      await new Promise<void>((resolve) => clock.after(fault.ms, resolve))
      return false
    case 'duplicate':
    case 'kill':
    case undefined:
      return false
  }
}

/** No frame, no foreign content; forms may end at this server and, through redirects, at the clients' addresses. */
function protect(response: ServerResponse, clients: readonly PoolClient[]): void {
  const uris = clients.flatMap(({ redirectUris, logoutUris }) => [...redirectUris, ...logoutUris])
  const origins = [...new Set(uris.map((uri) => new URL(uri).origin))]
  response.setHeader(
    'content-security-policy',
    `default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self' ${origins.join(' ')}; base-uri 'none'; frame-ancestors 'none'`,
  )
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
}
