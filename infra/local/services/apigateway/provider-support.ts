import { StartError } from '../../platform/errors.ts'
import { stableId } from '../../platform/naming.ts'
import type {
  Account,
  CreatedResource,
  ResolvedResource,
  ResourceProvider,
} from '../../platform/types.ts'
import type { Api, Model } from './model.ts'

/** What the providers of this service share. */
export interface ProviderDependencies {
  readonly account: Account
  readonly model: Model
  /** Called with the host name of an API, so that the template's addresses lead here. */
  readonly onApi: (domainName: string) => void
}

/** A provider whose `create` can also write the same entry again. */
export type Provider = Omit<ResourceProvider, 'update'> & {
  create(resource: ResolvedResource): CreatedResource
  delete(resource: ResolvedResource): void
}

/** The API that a resource names. Throws StartError when there is none. */
export function apiOf(model: Model, resource: ResolvedResource, apiId: string): Api {
  const api = model.apis.get(apiId)
  if (!api) throw invalid(resource, `ApiId '${apiId}' is no WebSocket API of this template`)
  return api
}

/** An id that depends on the logical id only. */
export function resourceId(account: Account, resource: ResolvedResource, length: number): string {
  return stableId(`${account.stackName}/${resource.logicalId}`, length).toLowerCase()
}

/** A property that API Gateway (or this machine) refuses, by logical id. */
export function invalid(resource: ResolvedResource, what: string): StartError {
  return new StartError('INVALID_PROPERTY', `${resource.logicalId}: ${what}`)
}

/** APIGW-98. */
export const quotas = {
  routes: 300,
  integrations: 300,
  authorizers: 10,
  stages: 10,
  accessLogFormatBytes: 3072,
} as const

/** Adds one more under its key, or writes it again. Throws StartError when the API has its quota of them (APIGW-98). */
export function addTo<Kind extends 'routes' | 'integrations' | 'authorizers' | 'stages'>(
  api: Api,
  kind: Kind,
  entry: {
    readonly resource: ResolvedResource
    readonly key: string
    readonly value: Api[Kind] extends Map<string, infer Value> ? Value : never
  },
): void {
  const { resource, key, value } = entry
  const existing: Map<string, unknown> = api[kind]
  if (!existing.has(key) && existing.size >= quotas[kind])
    throw invalid(resource, `an API has at most ${quotas[kind]} ${kind}`)
  existing.set(key, value)
}
