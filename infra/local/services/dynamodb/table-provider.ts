import { StartError } from '../../platform/errors.ts'
import { isObject, propertiesOf } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type {
  Account,
  CreatedResource,
  PropertySpec,
  ResolvedResource,
  ResourceProvider,
} from '../../platform/types.ts'
import type { Engine } from './engine.ts'
import { hasIndexes } from './indexes.ts'
import type { TimeToLive } from './ttl.ts'

const keySchema: PropertySpec = [{ AttributeName: 'used', KeyType: 'used' }]
const projection: PropertySpec = { ProjectionType: 'used', NonKeyAttributes: ['used'] }
const throughput: PropertySpec = { ReadCapacityUnits: 'used', WriteCapacityUnits: 'used' }

/** CFN-17. Streams, on-demand caps and import are not here, so a template that has them is refused. */
const properties: ResourceProvider['properties'] = {
  TableName: 'used',
  KeySchema: keySchema,
  AttributeDefinitions: [{ AttributeName: 'used', AttributeType: 'used' }],
  BillingMode: 'used',
  ProvisionedThroughput: throughput,
  GlobalSecondaryIndexes: [
    {
      IndexName: 'used',
      KeySchema: keySchema,
      Projection: projection,
      ProvisionedThroughput: throughput,
    },
  ],
  LocalSecondaryIndexes: [{ IndexName: 'used', KeySchema: keySchema, Projection: projection }],
  TimeToLiveSpecification: { AttributeName: 'used', Enabled: 'used' },
  // One disk, one user, no bill: backups, keys at rest, storage classes and reports have nothing to act on.
  PointInTimeRecoverySpecification: 'inert',
  SSESpecification: 'inert',
  DeletionProtectionEnabled: 'inert',
  TableClass: 'inert',
  ContributorInsightsSpecification: 'inert',
  Tags: 'inert',
}

/** What cannot change in place: CloudFormation makes another table then, and so does this. */
const REPLACING = ['TableName', 'KeySchema', 'LocalSecondaryIndexes']

/**
 * `AWS::DynamoDB::Table`. Ref = table name; GetAtt Arn. A table that a data directory already holds is kept when its key is the same; its
 * global indexes become those of the template, in an update too. CloudFormation changes one index at a time; here there may be several.
 */
export function tableProvider({
  account,
  engine,
  ttl,
}: {
  readonly account: Account
  readonly engine: Engine
  readonly ttl: TimeToLive
}): ResourceProvider {
  const nameOf = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('TableName') ??
    physicalName(account.stackName, resource.logicalId, 255)

  const setTimeToLive = (resource: ResolvedResource, table: string): void => {
    const specification = propertiesOf(resource).nested('TimeToLiveSpecification')
    const enabled = specification?.optionalBoolean('Enabled') === true
    ttl.set(table, enabled ? specification.text('AttributeName') : undefined)
  }

  const created = (resource: ResolvedResource, table: string): CreatedResource => {
    setTimeToLive(resource, table)
    const arn = `arn:aws:dynamodb:${account.region}:${account.accountId}:table/${table}`
    return { ref: table, attributes: { Arn: arn } }
  }

  return {
    type: 'AWS::DynamoDB::Table',
    properties,
    async create(resource) {
      const table = nameOf(resource)
      const existing = await describe(engine, table)
      if (existing) {
        refuseOtherKey(resource, existing)
        await adaptIndexes(engine, resource, existing)
      } else {
        await createTable(engine, resource, table)
      }
      return created(resource, table)
    },
    async update(resource, previous) {
      const isSame = REPLACING.every(
        (name) =>
          JSON.stringify(resource.properties[name]) === JSON.stringify(previous.properties[name]),
      )
      const table = nameOf(resource)
      const existing = isSame ? await describe(engine, table) : undefined
      if (existing) {
        await adaptIndexes(engine, resource, existing)
      } else {
        await engine.run('DeleteTable', { TableName: nameOf(previous) })
        await until(async () => (await describe(engine, nameOf(previous))) === undefined)
        await createTable(engine, resource, table)
      }
      return created(resource, table)
    },
    async delete(resource) {
      ttl.set(nameOf(resource), undefined)
      await engine.run('DeleteTable', { TableName: nameOf(resource) })
    },
  }
}

const CREATE_INPUT = [
  'KeySchema',
  'AttributeDefinitions',
  'ProvisionedThroughput',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
]

function createInput(resource: ResolvedResource, table: string): Record<string, unknown> {
  const given = CREATE_INPUT.filter((name) => resource.properties[name] !== undefined)
  return {
    TableName: table,
    BillingMode: resource.properties['BillingMode'] ?? 'PROVISIONED',
    ...structuredClone(Object.fromEntries(given.map((name) => [name, resource.properties[name]]))),
  }
}

async function createTable(
  engine: Engine,
  resource: ResolvedResource,
  table: string,
): Promise<void> {
  await refusing(resource, () => engine.run('CreateTable', createInput(resource, table)))
  await until(async () => (await describe(engine, table))?.['TableStatus'] === 'ACTIVE')
}

async function adaptIndexes(
  engine: Engine,
  resource: ResolvedResource,
  existing: Readonly<Record<string, unknown>>,
): Promise<void> {
  const table = String(existing['TableName'])
  const given = resource.properties['GlobalSecondaryIndexes']
  const indexes = Array.isArray(given) ? given.filter(isObject) : []
  if (hasIndexes(existing, indexes)) return
  await refusing(resource, async () => {
    engine.prepare('CreateTable', createInput(resource, table))
    await engine.changeIndexes(table, {
      GlobalSecondaryIndexes: indexes,
      AttributeDefinitions: resource.properties['AttributeDefinitions'] as readonly Record<
        string,
        unknown
      >[],
    })
  })
}

async function refusing(resource: ResolvedResource, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(
      'TABLE_INVALID',
      `${resource.logicalId} (AWS::DynamoDB::Table): DynamoDB would refuse it: ${reason}`,
      { cause },
    )
  }
}

async function describe(
  engine: Engine,
  table: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const { Table: description } = await engine.run('DescribeTable', { TableName: table })
    return isObject(description) ? description : undefined
  } catch {
    return undefined
  }
}

function refuseOtherKey(
  resource: ResolvedResource,
  existing: Readonly<Record<string, unknown>>,
): void {
  const wanted = JSON.stringify(resource.properties['KeySchema'])
  if (JSON.stringify(existing['KeySchema']) === wanted) return
  throw new StartError(
    'DATA_DIR_OTHER_TEMPLATE',
    `The data directory holds table ${String(existing['TableName'])} (${resource.logicalId}) with another key. Start with an empty --data-dir.`,
  )
}

/** The engine changes a table's state in a timer of its own; it takes one turn of the event loop. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 1))
}
