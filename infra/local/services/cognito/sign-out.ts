import type { IncomingMessage } from 'node:http'
import type { PoolClient } from './user-pool.ts'

/** What a call of `/logout` comes to: another address of the OIDC library, a refusal for the person, or it is no such call. */
export type SignOut =
  | { readonly outcome: 'accepted'; readonly url: string }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'other' }

/**
 * Cognito's logout endpoint: `client_id` and a registered `logout_uri`, nothing less ("Logout endpoint", Cognito Developer Guide). The library behind it
 * wants the standard's name for the address. Without `logout_uri` Cognito wants `redirect_uri` to sign in again, which the dashboard does not use.
 */
export function readSignOut(
  { method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>,
  clients: readonly PoolClient[],
): SignOut {
  const { pathname, searchParams: query } = new URL(url, 'http://issuer')
  if (pathname !== '/logout' || method !== 'GET') return { outcome: 'other' }
  const clientId = query.get('client_id')
  const logoutUri = query.get('logout_uri')
  const refused = (reason: string): SignOut => ({ outcome: 'refused', reason })
  if (clientId === null) return refused("Required String parameter 'client_id' is not present")
  const client = clients.find((one) => one.clientId === clientId)
  if (!client) return refused(`The client_id ${clientId} is not known`)
  if (logoutUri === null) return refused("Required String parameter 'logout_uri' is not present")
  if (!client.logoutUris.includes(logoutUri))
    return refused(`redirect_mismatch: ${logoutUri} is no logout address of the client`)
  const kept = new URLSearchParams({ client_id: clientId, post_logout_redirect_uri: logoutUri })
  for (const name of ['id_token_hint', 'state']) {
    const value = query.get(name)
    if (value !== null) kept.set(name, value)
  }
  return { outcome: 'accepted', url: `/logout?${kept.toString()}` }
}
