import type { SelectRoute } from './selection.ts'

/** The resources of one WebSocket API as the template made them. */
export interface Api {
  readonly id: string
  readonly domainName: string
  name: string
  selectRoute: SelectRoute
  /** APIGW-29: the default endpoint refuses. */
  endpointDisabled: boolean
  /** By route key. */
  readonly routes: Map<string, Route>
  readonly integrations: Map<string, Integration>
  readonly authorizers: Map<string, Authorizer>
  readonly stages: Map<string, Stage>
  /** APIGW-102: routes as they were at each deployment. */
  readonly deployments: Map<string, ReadonlyMap<string, Route>>
}

export interface Route {
  readonly id: string
  readonly routeKey: string
  readonly integrationId: string | undefined
  readonly authorizationType: 'NONE' | 'CUSTOM' | 'AWS_IAM'
  readonly authorizerId: string | undefined
  /** APIGW-75: RouteResponseSelectionExpression is `$default`. */
  readonly selectsResponse: boolean
  /** APIGW-75: a RouteResponse `$default` exists. */
  hasResponse: boolean
}

export interface Integration {
  readonly id: string
  /** May hold `${stageVariables.x}` (APIGW-104). */
  readonly functionArn: string
  /** APIGW-94: 50–29,000. */
  readonly timeoutMs: number
}

export interface Authorizer {
  readonly id: string
  readonly functionArn: string
  readonly identitySources: readonly string[]
}

export interface Throttle {
  readonly ratePerSecond: number
  readonly burst: number
}

export interface RouteSettings {
  readonly throttle: Throttle | undefined
  readonly detailedMetrics: boolean
}

export interface Stage {
  readonly name: string
  readonly apiId: string
  /** Undefined with AutoDeploy: changes are live at once. */
  readonly deploymentId: string | undefined
  readonly variables: Readonly<Record<string, string>>
  readonly defaults: RouteSettings
  readonly routes: ReadonlyMap<string, RouteSettings>
  readonly accessLog: { readonly group: string; readonly format: string } | undefined
}

/** Every API of the account. */
export interface Model {
  readonly apis: ReadonlyMap<string, Api>
  add(api: Api): void
  remove(apiId: string): void
  /** By host name when it is an API's own; otherwise by stage name alone (on the loopback address one name serves all). */
  resolve(host: string, stageName: string): { readonly api: Api; readonly stage: Stage } | undefined
  isApiHost(host: string): boolean
}

export function createModel(): Model {
  const apis = new Map<string, Api>()
  const byHost = (host: string) => [...apis.values()].find((api) => api.domainName === host)
  return {
    apis,
    add: (api) => apis.set(api.id, api),
    remove: (apiId) => apis.delete(apiId),
    isApiHost: (host) => byHost(host) !== undefined,
    resolve(host, stageName) {
      const named = byHost(host)
      for (const api of named ? [named] : apis.values()) {
        const stage = api.stages.get(stageName)
        if (stage && !api.endpointDisabled) return { api, stage }
      }
      return undefined
    },
  }
}

/** The routes that a stage serves (APIGW-102): live with AutoDeploy, as deployed otherwise. */
export function routesOf(api: Api, stage: Stage): ReadonlyMap<string, Route> {
  if (stage.deploymentId === undefined) return api.routes
  return api.deployments.get(stage.deploymentId) ?? new Map<string, Route>()
}

/** `${stageVariables.x}` replaced (APIGW-104). */
export function withStageVariables(text: string, stage: Stage): string {
  return text.replace(
    /\$\{stageVariables\.([A-Za-z0-9_]+)\}/g,
    (_, name: string) => stage.variables[name] ?? '',
  )
}
