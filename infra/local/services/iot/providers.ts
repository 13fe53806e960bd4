import { AwsError } from '../../platform/errors.ts'
import { propertiesOf } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type { PropertySpec, ResolvedResource, ResourceProvider } from '../../platform/types.ts'
import { actionNames, makeAction } from './actions.ts'
import type { ActionPorts } from './actions.ts'
import { readPolicy } from './policy.ts'
import type { IotPolicy } from './policy.ts'
import type { RulesEngine } from './rules.ts'
import { compileRuleSql } from './sql/rule-sql.ts'
import type { SqlVersion } from './sql/rule-sql.ts'

const SQL_VERSIONS: readonly string[] = ['2015-10-08', '2016-03-23', 'beta']
const MAX_ACTIONS = 10
const MAX_SQL_BYTES = 256 * 1024

const ACTION: PropertySpec = {
  Kinesis: { StreamName: 'used', PartitionKey: 'used', RoleArn: 'used' },
  Lambda: { FunctionArn: 'used' },
  Republish: { Topic: 'used', Qos: 'used', RoleArn: 'used' },
  Sqs: { QueueUrl: 'used', RoleArn: 'used', UseBase64: 'used' },
}

/** `AWS::IoT::TopicRule` (CFN-13): Ref = rule name, Arn. */
export function topicRuleProvider(engine: RulesEngine, ports: ActionPorts): ResourceProvider {
  const { account } = ports
  const nameOf = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('RuleName') ??
    defaultRuleName(account.stackName, resource.logicalId)
  const create = (resource: ResolvedResource): { ref: string; attributes: { Arn: string } } => {
    const name = nameOf(resource)
    if (!/^[A-Za-z0-9_]{1,128}$/.test(name)) {
      throw invalid(`the rule name ${name} is not 1 to 128 letters, digits and _ (IOT-53)`)
    }
    const arn = `arn:aws:iot:${account.region}:${account.accountId}:rule/${name}`
    const payload = resource.properties.TopicRulePayload as TopicRulePayload
    engine.put({ name, ...readPayload(payload, ports, arn) })
    return { ref: name, attributes: { Arn: arn } }
  }
  return {
    type: 'AWS::IoT::TopicRule',
    properties: {
      RuleName: 'used',
      TopicRulePayload: {
        Sql: 'used',
        AwsIotSqlVersion: 'used',
        Actions: [ACTION],
        ErrorAction: ACTION,
        RuleDisabled: 'used',
        // Text for people.
        Description: 'inert',
      },
      // Nothing on one machine reads tags.
      Tags: 'inert',
    },
    create,
    update: create,
    delete(resource) {
      engine.remove(nameOf(resource))
    },
  }
}

interface TopicRulePayload {
  readonly Sql: string
  readonly AwsIotSqlVersion?: string
  readonly Actions: readonly unknown[]
  readonly ErrorAction?: unknown
  readonly RuleDisabled?: boolean | string
}

function readPayload(
  payload: TopicRulePayload,
  ports: ActionPorts,
  arn: string,
): Omit<Parameters<RulesEngine['put']>[0], 'name'> {
  // IOT-54: without the property the old version applies.
  const version = payload.AwsIotSqlVersion ?? '2015-10-08'
  if (!SQL_VERSIONS.includes(version)) {
    throw invalid(`AwsIotSqlVersion ${version} is not one of ${SQL_VERSIONS.join(', ')}`)
  }
  if (Buffer.byteLength(payload.Sql) > MAX_SQL_BYTES) throw invalid('the SQL is longer than 256 KB')
  if (payload.Actions.length === 0 || payload.Actions.length > MAX_ACTIONS) {
    throw invalid(`a rule has 1 to ${MAX_ACTIONS} actions (${actionNames.join(', ')})`)
  }
  const action = (description: unknown): ReturnType<typeof makeAction> =>
    makeAction(description, ports, arn)
  return {
    sql: compiled(payload.Sql, version as SqlVersion),
    isDisabled: String(payload.RuleDisabled ?? false) === 'true',
    actions: payload.Actions.map(action),
    ...(payload.ErrorAction === undefined ? {} : { errorAction: action(payload.ErrorAction) }),
  }
}

function compiled(sql: string, version: SqlVersion): ReturnType<typeof compileRuleSql> {
  try {
    return compileRuleSql(sql, version)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AwsError(
      'SqlParseException',
      `The SQL of the rule cannot be read: ${reason}. It is: ${sql}`,
      { cause },
    )
  }
}

/** CloudFormation names a rule without a RuleName `{stack}_{logical id}` and a suffix; a rule name has no hyphen. */
function defaultRuleName(stackName: string, logicalId: string): string {
  return `${stackName}_${logicalId}`.replaceAll(/[^A-Za-z0-9_]/g, '_')
}

/** What the template attaches to things: policies and the registry, as far as the template has one. */
export interface ThingRegistry {
  readonly policies: () => readonly IotPolicy[]
  readonly attributesOf: (thingName: string) => Readonly<Record<string, string>>
}

/** `AWS::IoT::Policy` and `AWS::IoT::Thing` (CFN-14), and the registry they fill. */
export function registryProviders(account: ActionPorts['account']): {
  readonly registry: ThingRegistry
  readonly providers: readonly ResourceProvider[]
} {
  const policies = new Map<string, IotPolicy>()
  const things = new Map<string, Readonly<Record<string, string>>>()
  const arnOf = (kind: string, name: string): string =>
    `arn:aws:iot:${account.region}:${account.accountId}:${kind}/${name}`
  const policyName = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('PolicyName') ??
    physicalName(account.stackName, resource.logicalId)
  const thingName = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('ThingName') ??
    physicalName(account.stackName, resource.logicalId)
  const createPolicy: ResourceProvider['create'] = (resource) => {
    const name = policyName(resource)
    policies.set(name, readPolicy(resource.properties.PolicyDocument))
    return { ref: name, attributes: { Arn: arnOf('policy', name), Id: name } }
  }
  const createThing: ResourceProvider['create'] = (resource) => {
    const name = thingName(resource)
    const payload = resource.properties.AttributePayload as
      | { Attributes?: Record<string, string> }
      | undefined
    things.set(name, payload?.Attributes ?? {})
    return { ref: name, attributes: { Arn: arnOf('thing', name), Id: name } }
  }
  return {
    registry: {
      policies: () => [...policies.values()],
      attributesOf: (name) => things.get(name) ?? {},
    },
    providers: [
      {
        type: 'AWS::IoT::Policy',
        properties: { PolicyName: 'used', PolicyDocument: 'used', Tags: 'inert' },
        create: createPolicy,
        update: createPolicy,
        delete(resource) {
          policies.delete(policyName(resource))
        },
      },
      {
        type: 'AWS::IoT::Thing',
        properties: { ThingName: 'used', AttributePayload: { Attributes: { '*': 'used' } } },
        create: createThing,
        update: createThing,
        delete(resource) {
          things.delete(thingName(resource))
        },
      },
    ],
  }
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidRequestException', `The topic rule is refused: ${reason}.`)
}
