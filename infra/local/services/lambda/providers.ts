import { StartError } from '../../platform/errors.ts'
import { physicalName } from '../../platform/naming.ts'
import type {
  Account,
  CreatedResource,
  ResolvedResource,
  ResourceProvider,
} from '../../platform/types.ts'
import { defaultEventInvokeConfig } from './async-invocations.ts'
import type { EventInvokeConfig } from './async-invocations.ts'
import { readFunctionConfig } from './config.ts'
import type { FunctionConfig } from './config.ts'
import type { LocalFunction } from './local-function.ts'
import type { Permissions } from './permissions.ts'
import { parseFunctionName } from './registry.ts'
import type { Registry } from './registry.ts'

interface ProviderDependencies {
  readonly account: Account
  readonly registry: Registry
  readonly permissions: Permissions
  readonly invokeConfigs: Map<string, EventInvokeConfig>
  readonly assetPath: (s3Key: string) => string
  readonly create: (config: FunctionConfig) => LocalFunction
}

/** The resource types of Lambda, event source mappings excepted (they are the stream's side). */
export function lambdaProviders(dependencies: ProviderDependencies): readonly ResourceProvider[] {
  return [
    functionProvider(dependencies),
    permissionProvider(dependencies),
    eventInvokeConfigProvider(dependencies),
    layerProvider(dependencies),
    versionProvider(dependencies),
    aliasProvider(dependencies),
  ]
}

function functionProvider(dependencies: ProviderDependencies): ResourceProvider {
  const { registry, account, assetPath } = dependencies
  const read = (resource: ResolvedResource) => readFunctionConfig(resource, account, assetPath)
  const created = (config: FunctionConfig): CreatedResource => ({
    ref: config.name,
    attributes: { Arn: config.arn },
  })
  return {
    type: 'AWS::Lambda::Function',
    properties: {
      FunctionName: 'used',
      Description: 'used',
      Code: { S3Key: 'used', ZipFile: 'used', S3Bucket: 'inert' /* the asset lies in cdk.out */ },
      Handler: 'used',
      Runtime: 'used',
      Role: 'used',
      Timeout: 'used',
      MemorySize: 'used',
      Environment: { Variables: { '*': 'used' } },
      ReservedConcurrentExecutions: 'used',
      DeadLetterConfig: { TargetArn: 'used' },
      LoggingConfig: {
        LogFormat: 'used',
        LogGroup: 'used',
        ApplicationLogLevel: 'used',
        SystemLogLevel: 'used',
      },
      // A bundle of JavaScript runs on any processor; layers carry only what the bundles do not import here.
      Architectures: 'used',
      Layers: 'inert',
      EphemeralStorage: 'inert',
      // There is no X-Ray on one machine.
      TracingConfig: 'inert',
      RuntimeManagementConfig: 'inert',
      RecursiveLoop: 'inert',
      Tags: 'inert',
    },
    create(resource) {
      const config = read(resource)
      registry.set(dependencies.create(config))
      return created(config)
    },
    update(resource, previous) {
      const config = read(resource)
      const before = read(previous)
      if (config.name !== before.name) throw new TypeError('a function name cannot change in place')
      registry.find(config.name).fn.replace(config)
      return created(config)
    },
    async delete(resource) {
      const { name } = read(resource)
      const { fn } = registry.find(name)
      registry.delete(name)
      await fn.stop()
    },
  }
}

function permissionProvider({ permissions, account }: ProviderDependencies): ResourceProvider {
  return {
    type: 'AWS::Lambda::Permission',
    properties: {
      Action: 'used',
      FunctionName: 'used',
      Principal: 'used',
      SourceArn: 'used',
      // There is one account on one machine.
      SourceAccount: 'inert',
    },
    create(resource) {
      const { Action, FunctionName, Principal, SourceArn } = resource.properties as {
        readonly Action: string
        readonly FunctionName: string
        readonly Principal: string
        readonly SourceArn?: string
      }
      if (['lambda:InvokeFunction', 'lambda:*'].includes(Action))
        permissions.add(resource.logicalId, {
          functionName: parseFunctionName(FunctionName).name,
          principal: Principal,
          sourceArn: SourceArn,
        })
      return { ref: physicalName(account.stackName, resource.logicalId) }
    },
    delete: (resource) => {
      permissions.remove(resource.logicalId)
    },
  }
}

function eventInvokeConfigProvider({
  invokeConfigs,
  account,
}: ProviderDependencies): ResourceProvider {
  interface Properties {
    readonly FunctionName: string
    readonly Qualifier?: string
    readonly MaximumRetryAttempts?: number | string
    readonly MaximumEventAgeInSeconds?: number | string
    readonly DestinationConfig?: {
      readonly OnSuccess?: { readonly Destination?: string }
      readonly OnFailure?: { readonly Destination?: string }
    }
  }
  const nameOf = (resource: ResolvedResource) =>
    parseFunctionName((resource.properties as unknown as Properties).FunctionName).name
  return {
    type: 'AWS::Lambda::EventInvokeConfig',
    properties: {
      FunctionName: 'used',
      Qualifier: 'inert', // every version runs the same code here
      MaximumRetryAttempts: 'used',
      MaximumEventAgeInSeconds: 'used',
      DestinationConfig: {
        OnSuccess: { Destination: 'used' },
        OnFailure: { Destination: 'used' },
      },
    },
    create(resource) {
      const properties = resource.properties as unknown as Properties
      const retries = Number(
        properties.MaximumRetryAttempts ?? defaultEventInvokeConfig.maximumRetryAttempts,
      )
      const ageSeconds = Number(
        properties.MaximumEventAgeInSeconds ?? defaultEventInvokeConfig.maximumEventAgeSeconds,
      )
      // LAMBDA-21
      if (!(retries >= 0 && retries <= 2))
        throw limit(resource, `MaximumRetryAttempts is ${retries}, Lambda allows 0 to 2`)
      if (!(ageSeconds >= 60 && ageSeconds <= 21_600))
        throw limit(
          resource,
          `MaximumEventAgeInSeconds is ${ageSeconds}, Lambda allows 60 to 21600`,
        )
      invokeConfigs.set(nameOf(resource), {
        maximumRetryAttempts: retries,
        maximumEventAgeSeconds: ageSeconds,
        onSuccessArn: properties.DestinationConfig?.OnSuccess?.Destination,
        onFailureArn: properties.DestinationConfig?.OnFailure?.Destination,
      })
      return { ref: physicalName(account.stackName, resource.logicalId) }
    },
    delete: (resource) => {
      invokeConfigs.delete(nameOf(resource))
    },
  }
}

function limit(resource: ResolvedResource, what: string): StartError {
  return new StartError('INVALID_PROPERTY', `${resource.logicalId}: ${what}`)
}

/** A layer is created so that its ARN can be named; bundles resolve what they import without it. */
function layerProvider({ account }: ProviderDependencies): ResourceProvider {
  return {
    type: 'AWS::Lambda::LayerVersion',
    properties: {
      Content: 'inert',
      LayerName: 'used',
      Description: 'inert',
      CompatibleRuntimes: 'inert',
      CompatibleArchitectures: 'inert',
      LicenseInfo: 'inert',
    },
    create(resource) {
      const { LayerName } = resource.properties as { readonly LayerName?: string }
      const name = LayerName ?? physicalName(account.stackName, resource.logicalId)
      const arn = `arn:aws:lambda:${account.region}:${account.accountId}:layer:${name}:1`
      return { ref: arn, attributes: { LayerVersionArn: arn } }
    },
  }
}

function versionProvider({ registry }: ProviderDependencies): ResourceProvider {
  const nameOf = (resource: ResolvedResource) =>
    parseFunctionName((resource.properties as { readonly FunctionName: string }).FunctionName).name
  return {
    type: 'AWS::Lambda::Version',
    // One deployment has one version: `$LATEST` and `1` are the same code.
    properties: { FunctionName: 'used', Description: 'inert', CodeSha256: 'inert' },
    create(resource) {
      const { fn } = registry.find(nameOf(resource))
      registry.qualify(fn.config.name, '1')
      const arn = `${fn.config.arn}:1`
      return { ref: arn, attributes: { FunctionArn: arn, Version: '1' } }
    },
  }
}

function aliasProvider({ registry }: ProviderDependencies): ResourceProvider {
  const read = (resource: ResolvedResource) =>
    resource.properties as { readonly FunctionName: string; readonly Name: string }
  return {
    type: 'AWS::Lambda::Alias',
    properties: {
      FunctionName: 'used',
      Name: 'used',
      FunctionVersion: 'used',
      Description: 'inert',
    },
    create(resource) {
      const { FunctionName, Name } = read(resource)
      const { fn } = registry.find(parseFunctionName(FunctionName).name)
      registry.qualify(fn.config.name, Name)
      return {
        ref: `${fn.config.arn}:${Name}`,
        attributes: { AliasArn: `${fn.config.arn}:${Name}` },
      }
    },
    delete(resource) {
      const { FunctionName, Name } = read(resource)
      registry.unqualify(parseFunctionName(FunctionName).name, Name)
    },
  }
}
