import { propertiesOf } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type { Account, ResolvedResource, ResourceProvider } from '../../platform/types.ts'
import type { LogGroups } from './log-groups.ts'
import type { MetricFilters } from './metric-filters.ts'

interface ProviderOptions {
  readonly account: Account
  readonly groups: LogGroups
  readonly filters: MetricFilters
  readonly nowMs: () => number
}

/** `AWS::Logs::LogGroup` (CFN-23), `::MetricFilter`, and `::QueryDefinition`, which is a bookmark of the console. */
export function logProviders(options: ProviderOptions): readonly ResourceProvider[] {
  return [logGroup(options), metricFilter(options), queryDefinition(options)]
}

function logGroup({ account, groups, nowMs }: ProviderOptions): ResourceProvider {
  const nameOf = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('LogGroupName') ??
    physicalName(account.stackName, resource.logicalId, 512)
  const create: ResourceProvider['create'] = (resource) => {
    const name = nameOf(resource)
    groups.ensure(name, nowMs()).retentionDays =
      propertiesOf(resource).optionalInteger('RetentionInDays')
    const arn = `arn:aws:logs:${account.region}:${account.accountId}:log-group:${name}:*`
    return { ref: name, attributes: { Arn: arn } }
  }
  return {
    type: 'AWS::Logs::LogGroup',
    properties: {
      LogGroupName: 'used',
      RetentionInDays: 'used',
      // Cost classes, encryption at rest, masking of the console's views and tags change nothing on one machine.
      LogGroupClass: 'inert',
      KmsKeyId: 'inert',
      DataProtectionPolicy: 'inert',
      Tags: 'inert',
    },
    create,
    update: create,
    delete(resource) {
      groups.remove(nameOf(resource))
    },
  }
}

function metricFilter({ account, filters }: ProviderOptions): ResourceProvider {
  const nameOf = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('FilterName') ??
    physicalName(account.stackName, resource.logicalId)
  const create: ResourceProvider['create'] = (resource) => {
    const properties = propertiesOf(resource)
    filters.put(nameOf(resource), properties.text('LogGroupName'), properties)
    return { ref: nameOf(resource) }
  }
  return {
    type: 'AWS::Logs::MetricFilter',
    properties: {
      FilterName: 'used',
      FilterPattern: 'used',
      LogGroupName: 'used',
      MetricTransformations: [
        {
          MetricName: 'used',
          MetricNamespace: 'used',
          MetricValue: 'used',
          Unit: 'used',
          Dimensions: [{ Key: 'used', Value: 'used' }],
        },
      ],
    },
    create,
    update: create,
    delete(resource) {
      filters.remove(nameOf(resource))
    },
  }
}

function queryDefinition({ account }: ProviderOptions): ResourceProvider {
  return {
    type: 'AWS::Logs::QueryDefinition',
    // A saved query is a bookmark of the console; nothing here runs it.
    properties: {
      Name: 'inert',
      QueryString: 'inert',
      LogGroupNames: 'inert',
      QueryLanguage: 'inert',
    },
    create: (resource) => ({ ref: physicalName(account.stackName, resource.logicalId) }),
  }
}
