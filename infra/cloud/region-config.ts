import { ConfigError, type Context, show } from './config-values.ts'

/** An OpenID provider that this stack does not own: the user pool of the same system in another region, or a company's own. */
export interface ExternalSignIn {
  /** `https://…`, as the `iss` of its tokens says it. */
  readonly issuer: string
  /** The `client_id` (Cognito) or audience of its access tokens. */
  readonly clientId: string
  readonly jwksUri: string
  /** Origins that the page talks to when people sign in: the issuer's own, and where tokens are fetched if that is another. */
  readonly origins: readonly string[]
}

/** The same system in another region. */
export interface RegionAddress {
  readonly region: string
  /** `wss://…/stage`. */
  readonly websocket: string
}

/** From `issuer`, `clientId`, `jwksUri` and `tokenOrigin`; undefined when there is none. Throws {@link ConfigError}. */
export function signIn(context: Context): ExternalSignIn | undefined {
  const [issuer, clientId] = [context('issuer'), context('clientId')]
  if (issuer === undefined && clientId === undefined) {
    for (const name of ['jwksUri', 'tokenOrigin']) {
      if (context(name) === undefined) continue
      throw new ConfigError(
        `${name} is set without issuer and clientId: give all of them, or none for a user pool of this stack.`,
      )
    }
    return undefined
  }
  const address = url('issuer', issuer, ['https:'])
  if (typeof clientId !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(clientId)) {
    throw new ConfigError(
      `clientId ${show(clientId)} is not a client id: the issuer's tokens name it in client_id or aud (-c clientId=…).`,
    )
  }
  const jwks = context('jwksUri') ?? `${address}/.well-known/jwks.json`
  const tokenOrigin = context('tokenOrigin')
  const origins = [
    new URL(address).origin,
    ...(tokenOrigin === undefined ? [] : [origin('tokenOrigin', tokenOrigin)]),
  ]
  return {
    issuer: address,
    clientId,
    jwksUri: url('jwksUri', jwks, ['https:']),
    origins: [...new Set(origins)],
  }
}

/** `us-east-1=wss://…/prod`, several with commas. Throws {@link ConfigError}. */
export function otherRegions(value: unknown): readonly RegionAddress[] {
  const regions = list('otherRegions', value).map((entry) => {
    const [region = '', websocket = ''] = entry.split(/=(.*)/s)
    if (!/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region)) {
      throw new ConfigError(
        `otherRegions ${show(entry)} does not begin with a region: use for example us-east-1=wss://abc.execute-api.us-east-1.amazonaws.com/prod.`,
      )
    }
    return { region, websocket: url('otherRegions', websocket, ['wss:']) }
  })
  const twice = regions.find(({ region }, at) =>
    regions.slice(0, at).some((one) => one.region === region),
  )
  if (!twice) return regions
  throw new ConfigError(`otherRegions names ${twice.region} twice: one address for each region.`)
}

/** Origins with commas between them. Throws {@link ConfigError}. */
export function otherDashboards(value: unknown): readonly string[] {
  return list('otherDashboards', value).map((entry) => origin('otherDashboards', entry))
}

function list(name: string, value: unknown): readonly string[] {
  if (value === undefined || value === '') return []
  if (typeof value === 'string') return value.split(',').map((entry) => entry.trim())
  throw new ConfigError(
    `${name} ${show(value)} is not text: several values have commas between them.`,
  )
}

/** An address without a query, fragment or slash at its end; without TLS only on this machine. */
function url(name: string, value: unknown, protocols: readonly string[]): string {
  if (typeof value === 'string' && URL.canParse(value) && !/[?#@]|\/$/.test(value)) {
    const { protocol, hostname } = new URL(value)
    const isLocal =
      ['http:', 'ws:'].includes(protocol) && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
    if (isLocal || protocols.includes(protocol)) return value
  }
  throw new ConfigError(
    `${name} ${show(value)} is not an address that can be used: ${protocols.join(' or ')}//…, without a query and without a slash at the end.`,
  )
}

function origin(name: string, value: unknown): string {
  const address = url(name, value, ['https:'])
  if (new URL(address).origin === address) return address
  throw new ConfigError(
    `${name} ${show(value)} is more than an origin: write ${new URL(address).origin}.`,
  )
}
