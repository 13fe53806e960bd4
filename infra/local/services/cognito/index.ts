import type { Server } from 'node:http'
import type { HostMap } from '../../platform/host-map.ts'
import type { Account, Clock, Faults, Functions, ResourceService } from '../../platform/types.ts'
import { close, listen } from './listen.ts'
import { loadOidcProvider } from './load-oidc-provider.ts'
import { createPoolRegistry } from './user-pool.ts'
import { createFront } from './front.ts'
import { createSigningKeys } from './signing-keys.ts'

export interface Cognito extends ResourceService {
  /** `http://127.0.0.1:PORT`; after start. */
  readonly issuer: string
  /** After start. */
  readonly jwksUri: string
}

export interface CognitoOptions {
  readonly account: Account
  readonly clock: Clock
  readonly functions: Pick<Functions, 'invoke'>
  readonly hostMap: Pick<HostMap, 'add'>
  /** Seam `jwks`: the key set is refused, slow or never answered. */
  readonly faults?: Faults
  /** 0 = any. */
  readonly port: number
  /** What `npm run token` must present; see local-tokens.ts. */
  readonly localKey: string
}

/**
 * The user pool of the template as a real OIDC provider on loopback, with demo users. Start it before the template is deployed:
 * the issuer's address is an attribute of the pool.
 */
export function createCognito(options: CognitoOptions): Cognito {
  let listening: { readonly server: Server; readonly port: number } | undefined
  let clientsChanged: () => void = () => undefined
  const issuer = (): string => {
    if (listening) return `http://127.0.0.1:${listening.port}`
    throw new TypeError('The issuer has no address before it is started')
  }
  const registry = createPoolRegistry({
    account: options.account,
    issuer,
    addHost: (host) => {
      options.hostMap.add(host, new URL(issuer()).host)
    },
    changed: () => {
      clientsChanged()
    },
  })
  return {
    name: 'cognito',
    providers: registry.providers,
    get issuer() {
      return issuer()
    },
    get jwksUri() {
      return `${issuer()}/jwks`
    },
    async start() {
      const [keys, Provider] = await Promise.all([createSigningKeys(), loadOidcProvider()])
      const front = createFront({ ...options, Provider, registry, keys, issuer })
      clientsChanged = front.reset
      listening = await listen(options.port, front.handle)
    },
    async stop() {
      const server = listening?.server
      listening = undefined
      if (server) await close(server)
    },
  }
}
