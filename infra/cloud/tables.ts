import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { env, KEY_SETS_PARTITION, tableKeys } from '../../backend/src/contract.ts'
import type { Config } from './config.ts'
import type { Environment } from './environment.ts'

/** Whether a table's rows are worth restoring: rows of live sockets are not, they are rebuilt by reconnecting. */
const tableKinds = {
  connections: 'disposable',
  subscriptions: 'disposable',
  history: 'kept',
  rejects: 'kept',
  commands: 'kept',
  alarms: 'kept',
} as const

type TableName = keyof typeof tableKinds

const environmentNames = {
  connections: env.connectionsTable,
  subscriptions: env.subscriptionsTable,
  history: env.historyTable,
  rejects: env.rejectsTable,
  commands: env.commandsTable,
  alarms: env.alarmsTable,
} as const satisfies Record<TableName, string>

const actions = {
  /** Items by their keys; the authorizer has no more, but for {@link Tables.grantKeySets}. */
  get: ['dynamodb:BatchGetItem'],
  read: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'],
  put: ['dynamodb:PutItem'],
  write: [
    'dynamodb:PutItem',
    'dynamodb:UpdateItem',
    'dynamodb:DeleteItem',
    'dynamodb:BatchWriteItem',
  ],
} as const

/** Who is given rights: a service function. */
interface Grantee {
  allow(
    actions: readonly string[],
    resources: readonly string[],
    conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): void
}

type Access = keyof typeof actions

/** What a function does to which tables; no function may Scan. */
export type TableAccess = Readonly<Partial<Record<TableName, readonly Access[]>>>

/** The six tables of docs/architecture.md: `pk`, `sk`, TTL, on demand, encrypted at rest with DynamoDB's own key. */
export class Tables extends Construct {
  readonly all: Readonly<Record<TableName, Table>>

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id)
    const table = (name: TableName, logicalName: string): Table =>
      new Table(this, logicalName, {
        partitionKey: { name: tableKeys.partitionKey, type: AttributeType.STRING },
        sortKey: { name: tableKeys.sortKey, type: AttributeType.STRING },
        timeToLiveAttribute: tableKeys.ttl,
        billingMode: BillingMode.PAY_PER_REQUEST,
        pointInTimeRecoverySpecification: {
          pointInTimeRecoveryEnabled: tableKinds[name] === 'kept',
        },
        deletionProtection: config.retainData && tableKinds[name] === 'kept',
        removalPolicy:
          config.retainData && tableKinds[name] === 'kept'
            ? RemovalPolicy.RETAIN
            : RemovalPolicy.DESTROY,
      })
    this.all = {
      connections: table('connections', 'Connections'),
      subscriptions: table('subscriptions', 'Subscriptions'),
      history: table('history', 'History'),
      rejects: table('rejects', 'Rejects'),
      commands: table('commands', 'Commands'),
      alarms: table('alarms', 'Alarms'),
    }
  }

  /** The environment variables that name these tables. */
  environment(access: TableAccess): Environment {
    return Object.fromEntries(
      names(access).map((name) => [environmentNames[name], this.all[name].tableName]),
    )
  }

  /** Allows the function to share the issuer's keys, and to write nothing else: its partition is all that it may change. */
  grantKeySets(target: Grantee): void {
    target.allow(['dynamodb:UpdateItem'], [this.all.connections.tableArn], {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [KEY_SETS_PARTITION] },
    })
  }

  /** Allows the function exactly this access. */
  grant(target: Grantee, access: TableAccess): void {
    for (const name of names(access)) {
      const granted = (access[name] ?? []).flatMap((kind) => actions[kind])
      target.allow([...new Set(granted)], [this.all[name].tableArn])
    }
  }
}

function names(access: TableAccess): TableName[] {
  return Object.keys(access) as TableName[]
}
