import { physicalName } from '../../platform/naming.ts'
import type { PropertySpec, ResolvedResource, ResourceProvider } from '../../platform/types.ts'
import type { RouteSettings, Stage } from './model.ts'
import { addTo, apiOf, invalid, quotas, resourceId } from './provider-support.ts'
import type { Provider, ProviderDependencies } from './provider-support.ts'

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
  // CFN-8 is checked; execution logs themselves are not written, access logs and function logs say more.
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

/** `AWS::ApiGatewayV2::Stage` (CFN-6). */
export function stageProvider(
  { model }: ProviderDependencies,
  hasLogRole: () => boolean,
): Provider {
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
      // APIGW-98
      if (Buffer.byteLength(stage.accessLog?.format ?? '') > quotas.accessLogFormatBytes)
        throw invalid(resource, 'AccessLogSettings.Format: at most 3 KB')
      const api = apiOf(model, resource, properties.ApiId)
      addTo(api, 'stages', { resource, key: stage.name, value: stage })
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

/** APIGW-100: what a route does not set, the stage's default sets. */
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

/** APIGW-102: freezes the routes as they are. */
export function deploymentProvider({ account, model }: ProviderDependencies): Provider {
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

/** CFN-8: the account-level role that lets API Gateway write execution logs. */
export function accountProvider({ account }: ProviderDependencies) {
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
