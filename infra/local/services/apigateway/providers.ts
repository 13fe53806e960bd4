import { stableId } from '../../platform/naming.ts'
import type { CreatedResource, ResolvedResource, ResourceProvider } from '../../platform/types.ts'
import { isIdentitySource, parseIdentitySources } from './identity-sources.ts'
import type { Api, Authorizer, Integration, Route } from './model.ts'
import { addTo, apiOf, invalid, resourceId } from './provider-support.ts'
import type { Provider, ProviderDependencies } from './provider-support.ts'
import { compileSelection } from './selection.ts'
import type { SelectRoute } from './selection.ts'
import { accountProvider, deploymentProvider, stageProvider } from './stage-providers.ts'

/** The resource types of a WebSocket API (CFN-1–CFN-8). */
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
      const value: Route = {
        id,
        routeKey: properties.RouteKey,
        integrationId: properties.Target?.replace(/^integrations\//, ''),
        authorizationType: properties.AuthorizationType ?? 'NONE',
        authorizerId: properties.AuthorizerId,
        selectsResponse: properties.RouteResponseSelectionExpression !== undefined,
        hasResponse: api.routes.get(properties.RouteKey)?.hasResponse ?? false,
      }
      addTo(api, 'routes', { resource, key: value.routeKey, value })
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
  // APIGW-11
  if (/^\$(?!connect$|disconnect$|default$)/.test(RouteKey))
    throw invalid(resource, `RouteKey '${RouteKey}': keys that start with $ are reserved`)
  // APIGW-53
  if (AuthorizationType !== undefined && AuthorizationType !== 'NONE' && RouteKey !== '$connect')
    throw invalid(resource, `AuthorizationType ${AuthorizationType} is for $connect only`)
  // APIGW-75
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
      // APIGW-75
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
      // APIGW-95
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
      // APIGW-94
      if (!(timeoutMs >= 50 && timeoutMs <= 29_000))
        throw invalid(resource, `TimeoutInMillis ${timeoutMs}: WebSocket APIs allow 50 to 29000`)
      const id = resourceId(account, resource, 7)
      const functionArn = functionArnOf(resource, properties.IntegrationUri)
      const value: Integration = { id, functionArn, timeoutMs }
      const api = apiOf(model, resource, properties.ApiId)
      addTo(api, 'integrations', { resource, key: id, value })
      return { ref: id, attributes: { IntegrationId: id } }
    },
    delete(resource) {
      const { ApiId } = read(resource)
      model.apis.get(ApiId)?.integrations.delete(resourceId(account, resource, 7))
    },
  }
}

/** CFN-3: `arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations`; a bare ARN is HTTP-API only. */
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
      // APIGW-52
      if (properties.AuthorizerType !== 'REQUEST')
        throw invalid(
          resource,
          `AuthorizerType ${properties.AuthorizerType}: a WebSocket API has REQUEST only`,
        )
      const identitySources = parseIdentitySources(properties.IdentitySource)
      const wrong = identitySources.find((source) => !isIdentitySource(source))
      // APIGW-58
      if (wrong !== undefined)
        throw invalid(
          resource,
          `IdentitySource '${wrong}': a WebSocket API writes route.request.header.Name or route.request.querystring.name`,
        )
      const id = resourceId(account, resource, 6)
      const functionArn = functionArnOf(resource, properties.AuthorizerUri)
      const value: Authorizer = { id, functionArn, identitySources }
      const api = apiOf(model, resource, properties.ApiId)
      addTo(api, 'authorizers', { resource, key: id, value })
      return { ref: id, attributes: { AuthorizerId: id } }
    },
    delete(resource) {
      const { ApiId } = read(resource)
      model.apis.get(ApiId)?.authorizers.delete(resourceId(account, resource, 6))
    },
  }
}
