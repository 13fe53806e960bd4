import { StartError } from '../../platform/errors.ts'
import { physicalName, stableId } from '../../platform/naming.ts'
import type {
  Account,
  CreatedResource,
  PropertySpec,
  ResolvedResource,
  ResourceProvider,
} from '../../platform/types.ts'
import { isIdentitySource, parseIdentitySources } from './identity-sources.ts'
import type { Api, Model, Route, RouteSettings, Stage } from './model.ts'
import { compileSelection } from './selection.ts'
import type { SelectRoute } from './selection.ts'

interface ProviderDependencies {
  readonly account: Account
  readonly model: Model
  /** Called with the host name of an API, so that the template's addresses lead here. */
  readonly onApi: (domainName: string) => void
}

type Provider = Omit<ResourceProvider, 'update'> & {
  create(resource: ResolvedResource): CreatedResource
  delete(resource: ResolvedResource): void
}

/** The resource types of a WebSocket API (C1–C8). */
export function apiGatewayProviders(dependencies: ProviderDependencies): ResourceProvider[] {
  const account = accountProvider(dependencies)
  return [
    apiProvider(dependencies),
    account.provider,
    ...[
      routeProvider(dependencies),
      routeResponseProvider(dependencies),
      integrationProvider(dependencies),
      authorizerProvider(dependencies),
      stageProvider(dependencies, account.hasLogRole),
      deploymentProvider(dependencies),
    ].map((provider): ResourceProvider => ({
      ...provider,
      // Ids depend on the logical id only, so the same entry is written again and connections stay open.
      update: (resource) => provider.create(resource),
    })),
  ]
}

interface ApiProperties {
  readonly Name: string
  readonly ProtocolType: string
  readonly RouteSelectionExpression: string
  readonly DisableExecuteApiEndpoint?: boolean | string
}

function apiProvider({ account, model, onApi }: ProviderDependencies): ResourceProvider {
  const created = (api: Api): CreatedResource => ({
    ref: api.id,
    attributes: { ApiId: api.id, ApiEndpoint: `wss://${api.domainName}` },
  })
  const read = (resource: ResolvedResource) => {
    const properties = resource.properties as unknown as ApiProperties
    if (properties.ProtocolType !== 'WEBSOCKET')
      throw invalid(resource, `ProtocolType ${properties.ProtocolType}: only WEBSOCKET is emulated`)
    return {
      name: properties.Name,
      selectRoute: selectionOf(resource, properties.RouteSelectionExpression),
      endpointDisabled: String(properties.DisableExecuteApiEndpoint) === 'true',
    }
  }
  return {
    type: 'AWS::ApiGatewayV2::Api',
    properties: {
      Name: 'used',
      Description: 'inert',
      ProtocolType: 'used',
      RouteSelectionExpression: 'used',
      DisableExecuteApiEndpoint: 'used',
      // It only picks where an API key is read from; no route may ask for one (see ApiKeyRequired).
      ApiKeySelectionExpression: 'inert',
      Tags: 'inert',
    },
    create(resource) {
      const id = stableId(`${account.stackName}/${resource.logicalId}`, 10).toLowerCase()
      const domainName = `${id}.execute-api.${account.region}.amazonaws.com`
      const api: Api = {
        ...read(resource),
        id,
        domainName,
        routes: new Map(),
        integrations: new Map(),
        authorizers: new Map(),
        stages: new Map(),
        deployments: new Map(),
      }
      model.add(api)
      onApi(domainName)
      return created(api)
    },
    update(resource) {
      const id = stableId(`${account.stackName}/${resource.logicalId}`, 10).toLowerCase()
      return created(Object.assign(apiOf(model, resource, id), read(resource)))
    },
    delete(resource) {
      model.remove(stableId(`${account.stackName}/${resource.logicalId}`, 10).toLowerCase())
    },
  }
}

function selectionOf(resource: ResolvedResource, expression: string): SelectRoute {
  try {
    return compileSelection(expression)
  } catch (cause) {
    throw invalid(resource, `RouteSelectionExpression '${expression}': ${String(cause)}`)
  }
}

function routeProvider({ account, model }: ProviderDependencies): Provider {
  interface Properties {
    readonly ApiId: string
    readonly RouteKey: string
    readonly Target?: string
    readonly AuthorizationType?: Route['authorizationType']
    readonly AuthorizerId?: string
    readonly RouteResponseSelectionExpression?: string
    readonly ApiKeyRequired?: boolean
  }
  const read = (resource: ResolvedResource) => resource.properties as unknown as Properties
  return {
    type: 'AWS::ApiGatewayV2::Route',
    properties: {
      ApiId: 'used',
      RouteKey: 'used',
      Target: 'used',
      AuthorizationType: 'used',
      AuthorizerId: 'used',
      RouteResponseSelectionExpression: 'used',
      ApiKeyRequired: 'used',
      OperationName: 'inert',
    },
    create(resource) {
      const properties = read(resource)
      const api = apiOf(model, resource, properties.ApiId)
      checkRoute(resource, properties)
      const id = resourceId(account, resource, 7)
      api.routes.set(properties.RouteKey, {
        id,
        routeKey: properties.RouteKey,
        integrationId: properties.Target?.replace(/^integrations\//, ''),
        authorizationType: properties.AuthorizationType ?? 'NONE',
        authorizerId: properties.AuthorizerId,
        selectsResponse: properties.RouteResponseSelectionExpression !== undefined,
        hasResponse: api.routes.get(properties.RouteKey)?.hasResponse ?? false,
      })
      return { ref: id, attributes: { RouteId: id } }
    },
    delete(resource) {
      const { ApiId, RouteKey } = read(resource)
      model.apis.get(ApiId)?.routes.delete(RouteKey)
    },
  }
}

/** What CreateRoute refuses. */
function checkRoute(
  resource: ResolvedResource,
  properties: {
    readonly RouteKey: string
    readonly AuthorizationType?: string
    readonly RouteResponseSelectionExpression?: string
    readonly ApiKeyRequired?: boolean
  },
): void {
  const { RouteKey, AuthorizationType, RouteResponseSelectionExpression: selection } = properties
  // W11
  if (/^\$(?!connect$|disconnect$|default$)/.test(RouteKey))
    throw invalid(resource, `RouteKey '${RouteKey}': keys that start with $ are reserved`)
  // W53
  if (AuthorizationType !== undefined && AuthorizationType !== 'NONE' && RouteKey !== '$connect')
    throw invalid(resource, `AuthorizationType ${AuthorizationType} is for $connect only`)
  // W75
  if (selection !== undefined && selection !== '$default')
    throw invalid(resource, `RouteResponseSelectionExpression '${selection}': only $default exists`)
  if (String(properties.ApiKeyRequired) === 'true')
    throw invalid(resource, 'ApiKeyRequired: API keys are not emulated')
}

function routeResponseProvider({ account, model }: ProviderDependencies): Provider {
  const find = (resource: ResolvedResource) => {
    const { ApiId, RouteId } = resource.properties as Record<string, string>
    return [...(model.apis.get(ApiId ?? '')?.routes.values() ?? [])].find(
      (route) => route.id === RouteId,
    )
  }
  return {
    type: 'AWS::ApiGatewayV2::RouteResponse',
    properties: { ApiId: 'used', RouteId: 'used', RouteResponseKey: 'used' },
    create(resource) {
      const { RouteResponseKey } = resource.properties as Record<string, string>
      const route = find(resource)
      if (!route) throw invalid(resource, 'RouteId names no route of this API')
      // W75
      if (RouteResponseKey !== '$default')
        throw invalid(resource, `RouteResponseKey '${RouteResponseKey}': only $default exists`)
      route.hasResponse = true
      return { ref: resourceId(account, resource, 7) }
    },
    delete(resource) {
      const route = find(resource)
      if (route) route.hasResponse = false
    },
  }
}

function integrationProvider({ account, model }: ProviderDependencies): Provider {
  interface Properties {
    readonly ApiId: string
    readonly IntegrationType: string
    readonly IntegrationUri?: string
    readonly IntegrationMethod?: string
    readonly TimeoutInMillis?: number | string
  }
  const read = (resource: ResolvedResource) => resource.properties as unknown as Properties
  return {
    type: 'AWS::ApiGatewayV2::Integration',
    properties: {
      ApiId: 'used',
      IntegrationType: 'used',
      IntegrationUri: 'used',
      IntegrationMethod: 'used',
      TimeoutInMillis: 'used',
      Description: 'inert',
    },
    create(resource) {
      const properties = read(resource)
      // W95
      if (properties.IntegrationType !== 'AWS_PROXY')
        throw invalid(
          resource,
          `IntegrationType ${properties.IntegrationType}: only AWS_PROXY is emulated`,
        )
      if (properties.IntegrationMethod !== undefined && properties.IntegrationMethod !== 'POST')
        throw invalid(
          resource,
          `IntegrationMethod ${properties.IntegrationMethod}: a function is called with POST`,
        )
      const timeoutMs = Number(properties.TimeoutInMillis ?? 29_000)
      // W94
      if (!(timeoutMs >= 50 && timeoutMs <= 29_000))
        throw invalid(resource, `TimeoutInMillis ${timeoutMs}: WebSocket APIs allow 50 to 29000`)
      const id = resourceId(account, resource, 7)
      apiOf(model, resource, properties.ApiId).integrations.set(id, {
        id,
        functionArn: functionArnOf(resource, properties.IntegrationUri),
        timeoutMs,
      })
      return { ref: id, attributes: { IntegrationId: id } }
    },
    delete(resource) {
      const { ApiId } = read(resource)
      model.apis.get(ApiId)?.integrations.delete(resourceId(account, resource, 7))
    },
  }
}

/** C3: `arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations`; a bare ARN is HTTP-API only. */
function functionArnOf(resource: ResolvedResource, uri: string | undefined): string {
  const arn =
    /^arn:[^:]+:apigateway:[^:]+:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/.exec(
      uri ?? '',
    )?.[1]
  if (arn === undefined)
    throw invalid(resource, `'${uri ?? ''}' is not the invocation URI of a function`)
  return arn
}

function authorizerProvider({ account, model }: ProviderDependencies): Provider {
  interface Properties {
    readonly ApiId: string
    readonly AuthorizerType: string
    readonly AuthorizerUri?: string
    readonly IdentitySource?: unknown
    readonly AuthorizerResultTtlInSeconds?: number
  }
  const read = (resource: ResolvedResource) => resource.properties as unknown as Properties
  return {
    type: 'AWS::ApiGatewayV2::Authorizer',
    properties: {
      ApiId: 'used',
      Name: 'inert',
      AuthorizerType: 'used',
      AuthorizerUri: 'used',
      IdentitySource: 'used',
    },
    create(resource) {
      const properties = read(resource)
      // W52
      if (properties.AuthorizerType !== 'REQUEST')
        throw invalid(
          resource,
          `AuthorizerType ${properties.AuthorizerType}: a WebSocket API has REQUEST only`,
        )
      const identitySources = parseIdentitySources(properties.IdentitySource)
      const wrong = identitySources.find((source) => !isIdentitySource(source))
      // W58
      if (wrong !== undefined)
        throw invalid(
          resource,
          `IdentitySource '${wrong}': a WebSocket API writes route.request.header.Name or route.request.querystring.name`,
        )
      const id = resourceId(account, resource, 6)
      apiOf(model, resource, properties.ApiId).authorizers.set(id, {
        id,
        functionArn: functionArnOf(resource, properties.AuthorizerUri),
        identitySources,
      })
      return { ref: id, attributes: { AuthorizerId: id } }
    },
    delete(resource) {
      const { ApiId } = read(resource)
      model.apis.get(ApiId)?.authorizers.delete(resourceId(account, resource, 6))
    },
  }
}

interface SettingsProperties {
  readonly ThrottlingBurstLimit?: number | string
  readonly ThrottlingRateLimit?: number | string
  readonly DetailedMetricsEnabled?: boolean | string
  readonly LoggingLevel?: string
  readonly DataTraceEnabled?: boolean | string
}

const settingsSpec: PropertySpec = {
  ThrottlingBurstLimit: 'used',
  ThrottlingRateLimit: 'used',
  DetailedMetricsEnabled: 'used',
  // C8 is checked; execution logs themselves are not written, access logs and function logs say more.
  LoggingLevel: 'inert',
  DataTraceEnabled: 'inert',
}

interface StageProperties {
  readonly ApiId: string
  readonly StageName: string
  readonly AutoDeploy?: boolean | string
  readonly DeploymentId?: string
  readonly StageVariables?: Readonly<Record<string, string>>
  readonly DefaultRouteSettings?: SettingsProperties
  readonly RouteSettings?: Readonly<Record<string, SettingsProperties>>
  readonly AccessLogSettings?: { readonly DestinationArn: string; readonly Format: string }
}

function stageProvider({ model }: ProviderDependencies, hasLogRole: () => boolean): Provider {
  const read = (resource: ResolvedResource) => resource.properties as unknown as StageProperties
  return {
    type: 'AWS::ApiGatewayV2::Stage',
    properties: {
      ApiId: 'used',
      StageName: 'used',
      AutoDeploy: 'used',
      DeploymentId: 'used',
      StageVariables: { '*': 'used' },
      DefaultRouteSettings: settingsSpec,
      RouteSettings: { '*': settingsSpec },
      AccessLogSettings: { DestinationArn: 'used', Format: 'used' },
      Description: 'inert',
      Tags: 'inert',
    },
    create(resource) {
      const properties = read(resource)
      const stage = readStage(properties)
      const settings = [
        properties.DefaultRouteSettings,
        ...Object.values(properties.RouteSettings ?? {}),
      ]
      if (settings.some(writesExecutionLogs) && !hasLogRole())
        throw invalid(
          resource,
          'LoggingLevel or DataTraceEnabled needs AWS::ApiGateway::Account with a CloudWatch role first',
        )
      const other = [...model.apis.values()].find(
        (api) => api.id !== properties.ApiId && api.stages.has(stage.name),
      )
      if (other)
        throw invalid(
          resource,
          `StageName '${stage.name}': ${other.name} has it too, and on one machine all APIs share an address; choose another name`,
        )
      apiOf(model, resource, properties.ApiId).stages.set(stage.name, stage)
      return { ref: stage.name }
    },
    delete(resource) {
      const { ApiId, StageName } = read(resource)
      model.apis.get(ApiId)?.stages.delete(StageName)
    },
  }
}

function readStage(properties: StageProperties): Stage {
  const log = properties.AccessLogSettings
  return {
    name: properties.StageName,
    apiId: properties.ApiId,
    deploymentId:
      String(properties.AutoDeploy) === 'true' ? undefined : (properties.DeploymentId ?? ''),
    variables: properties.StageVariables ?? {},
    defaults: readSettings(properties.DefaultRouteSettings),
    routes: new Map(
      Object.entries(properties.RouteSettings ?? {}).map(([routeKey, settings]) => [
        routeKey,
        readSettings(settings, properties.DefaultRouteSettings),
      ]),
    ),
    accessLog: log && {
      group: /:log-group:([^:]+)/.exec(log.DestinationArn)?.[1] ?? log.DestinationArn,
      format: log.Format,
    },
  }
}

/** W100: what a route does not set, the stage's default sets. */
function readSettings(
  own: SettingsProperties | undefined,
  defaults: SettingsProperties | undefined = {},
): RouteSettings {
  const settings = { ...defaults, ...own }
  const rate = settings.ThrottlingRateLimit
  const burst = settings.ThrottlingBurstLimit
  return {
    throttle:
      rate === undefined && burst === undefined
        ? undefined
        : { ratePerSecond: Number(rate ?? 10_000), burst: Number(burst ?? 5000) },
    detailedMetrics: String(settings.DetailedMetricsEnabled) === 'true',
  }
}

function writesExecutionLogs(settings: SettingsProperties | undefined): boolean {
  const level = settings?.LoggingLevel ?? 'OFF'
  return level !== 'OFF' || String(settings?.DataTraceEnabled) === 'true'
}

/** W102: freezes the routes as they are. */
function deploymentProvider({ account, model }: ProviderDependencies): Provider {
  const read = (resource: ResolvedResource) => resource.properties as { readonly ApiId: string }
  return {
    type: 'AWS::ApiGatewayV2::Deployment',
    properties: { ApiId: 'used', Description: 'inert' },
    create(resource) {
      const api = apiOf(model, resource, read(resource).ApiId)
      const id = resourceId(account, resource, 6)
      api.deployments.set(id, new Map(api.routes))
      return { ref: id, attributes: { DeploymentId: id } }
    },
    delete(resource) {
      model.apis.get(read(resource).ApiId)?.deployments.delete(resourceId(account, resource, 6))
    },
  }
}

/** C8: the account-level role that lets API Gateway write execution logs. */
function accountProvider({ account }: ProviderDependencies) {
  let roles = 0
  const provider: ResourceProvider = {
    type: 'AWS::ApiGateway::Account',
    properties: { CloudWatchRoleArn: 'used' },
    create(resource) {
      roles++
      return { ref: physicalName(account.stackName, resource.logicalId) }
    },
    delete() {
      roles--
    },
  }
  return { provider, hasLogRole: () => roles > 0 }
}

function apiOf(model: Model, resource: ResolvedResource, apiId: string): Api {
  const api = model.apis.get(apiId)
  if (!api) throw invalid(resource, `ApiId '${apiId}' is no WebSocket API of this template`)
  return api
}

function resourceId(account: Account, resource: ResolvedResource, length: number): string {
  return stableId(`${account.stackName}/${resource.logicalId}`, length).toLowerCase()
}

function invalid(resource: ResolvedResource, what: string): StartError {
  return new StartError('INVALID_PROPERTY', `${resource.logicalId}: ${what}`)
}
