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
