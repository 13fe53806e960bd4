import { ErrorResponse, UserManager, WebStorageStateStore } from 'oidc-client-ts'
import type { DashboardConfig } from '../config.ts'
import { SignInNeeded, type TokenSource } from '../stream/token-source.ts'

/** Who is signed in, and how to get there and away again. */
export interface Session {
  /** True when there is a token that can be used or renewed. */
  isSignedIn(): Promise<boolean>
  readonly token: TokenSource
  /** Leaves the page for the issuer's; comes back to `returnTo` (a path of this app). */
  signIn(returnTo: string): Promise<void>
  /** On `/callback`: finishes the sign-in, gives the path to go to. */
  completeSignIn(): Promise<string>
  signOut(): Promise<void>
}

/** Authorization code with PKCE against the configured issuer; tokens stay in this tab's session storage. */
export function oidcSession(config: DashboardConfig): Session {
  const manager = new UserManager({
    authority: config.issuer,
    client_id: config.clientId,
    redirect_uri: `${location.origin}/callback`,
    post_logout_redirect_uri: `${location.origin}/`,
    response_type: 'code',
    scope: config.scope ?? 'openid',
    automaticSilentRenew: false,
    userStore: new WebStorageStateStore({ store: sessionStorage }),
  })
  return {
    isSignedIn: async () => {
      const user = await manager.getUser()
      return user !== null && (user.expired !== true || user.refresh_token !== undefined)
    },
    token: (want) => accessToken(manager, want),
    signIn: (returnTo) => manager.signinRedirect({ state: returnTo }),
    completeSignIn: async () => {
      const user = await manager.signinCallback()
      const state = user?.state
      // Only a path of this app: the state comes back through a URL.
      return typeof state === 'string' && /^\/(?![/\\])/.test(state) ? state : '/'
    },
    signOut: () => endSession(manager, config.clientId),
  }
}

async function accessToken(manager: UserManager, want: 'current' | 'renew'): Promise<string> {
  const user = await manager.getUser()
  if (!user) throw new SignInNeeded('You are signed out.')
  if (want === 'current' && user.expired !== true) return user.access_token
  if (user.refresh_token === undefined) {
    if (user.expired !== true) return user.access_token
    throw new SignInNeeded('Your session has ended.')
  }
  try {
    const renewed = await manager.signinSilent()
    if (renewed) return renewed.access_token
  } catch (error) {
    // Only the issuer's own refusal ends the session; a network that is down does not.
    if (!(error instanceof ErrorResponse) || isPassing(error)) throw error
  }
  await manager.removeUser()
  throw new SignInNeeded('Your session has ended.')
}

/** What an issuer answers that cannot now (RFC 6749 4.1.2.1): no word about the session. */
function isPassing({ error }: ErrorResponse): boolean {
  return error === 'server_error' || error === 'temporarily_unavailable'
}

/**
 * Ends the session at the issuer too. Cognito knows `logout_uri` and wants `client_id` with it ("Logout endpoint" of its guide); everybody else
 * `post_logout_redirect_uri`, which the library adds (OpenID Connect RP-Initiated Logout 1.0). Each leaves alone what it does not know.
 */
async function endSession(manager: UserManager, clientId: string): Promise<void> {
  const endpoint = await manager.metadataService.getEndSessionEndpoint().catch(() => undefined)
  if (endpoint === undefined) return manager.removeUser()
  // The library names the client itself where it has no ID token to hint with.
  const hint = (await manager.getUser())?.id_token
  await manager.signoutRedirect({
    extraQueryParams: {
      logout_uri: `${location.origin}/`,
      ...(hint !== undefined && { client_id: clientId }),
    },
  })
}

/** Development only: a fixed token, always signed in. `renew` gives the next one; without it there is only the one. */
export function fixedSession(token: string, renew?: () => Promise<string>): Session {
  return {
    isSignedIn: () => Promise.resolve(true),
    token: (want) => (want === 'renew' && renew ? renew() : Promise.resolve(token)),
    signIn: () => Promise.resolve(),
    completeSignIn: () => Promise.resolve('/'),
    signOut: () => Promise.resolve(),
  }
}
