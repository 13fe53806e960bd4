import { CfnOutput } from 'aws-cdk-lib'
import { beforeAll, describe, expect, it } from 'vitest'
import { env, KEY_SETS_PARTITION } from '../../backend/src/contract.ts'
import { type Resource, sourcesOf, type Synthesized, synthesize } from './stack.fixture.ts'

let stack: Synthesized
beforeAll(() => {
  stack = synthesize()
})

/** The text of a value with references written as `{LogicalId}` and `{LogicalId.Attribute}`, pseudo parameters as `{AWS::Region}`. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value
  const [[kind, argument] = []] = Object.entries(value as Record<string, unknown>)
  if (kind === 'Ref') return `{${String(argument)}}`
  if (kind === 'Fn::GetAtt') return `{${(argument as string[]).join('.')}}`
  if (kind === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]]
    return parts.map(flat).join(separator)
  }
  return JSON.stringify(value)
}

const ours = (functions: Readonly<Record<string, Resource>>) =>
  Object.values(functions)
    .map(({ Properties }) => Properties)
    .filter(({ Handler }) => Handler === 'index.handler')
    .filter(({ Runtime }) => String(Runtime).startsWith('nodejs'))

const variables = (properties: Resource['Properties']) =>
  (properties['Environment'] as { Variables: Record<string, unknown> }).Variables

it('the template is what the schemas of CloudFormation allow', () => {
  expect(() => synthesize({}, { isValidated: true })).not.toThrow()
})

describe('functions', () => {
  const functions = () => ours(stack.resources('AWS::Lambda::Function'))

  it('are the fourteen of the architecture, on a runtime that can be created (CONFIG-5)', () => {
    const names = functions().map((properties) => variables(properties)['POWERTOOLS_SERVICE_NAME'])
    expect(new Set(names).size).toBe(14)
    for (const properties of functions())
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        LoggingConfig: { LogFormat: 'JSON' },
      })
  })

  it('get exactly the variables of contract.ts that their handlers read', () => {
    const shared: readonly string[] = [
      'POWERTOOLS_SERVICE_NAME',
      'POWERTOOLS_METRICS_NAMESPACE',
      // Read by the SDK itself.
      env.managementEndpoint,
    ]
    for (const properties of functions()) {
      const given = Object.keys(variables(properties))
      const name = String(variables(properties)['POWERTOOLS_SERVICE_NAME'])
      const wanted = [...sourcesOf(name).matchAll(/readConfig\(([^)]*)\)/g)].flatMap(([, list]) =>
        [...list!.matchAll(/'(\w+)'/g)].map(([, key]) => env[key as keyof typeof env]),
      )
      expect(given.filter((variable) => !shared.includes(variable)).sort(), name).toEqual(
        [...new Set<string>(wanted)].sort(),
      )
    }
  })

  it('answer before API Gateway or Cognito stops waiting (CONFIG-6)', () => {
    for (const properties of functions()) {
      const name = String(variables(properties)['POWERTOOLS_SERVICE_NAME'])
      const limit =
        name === 'pre-token' ? 5 : /deliver|redrive|sweeper|expire|alarm-events/.test(name) ? 60 : 9
      expect(properties['Timeout'], name).toBeLessThanOrEqual(limit)
    }
  })

  it('log for a time that ends', () => {
    for (const group of stack.properties('AWS::Logs::LogGroup'))
      expect(group['RetentionInDays']).toBe(30)
  })
})

interface Statement {
  readonly Effect: string
  readonly Action: string | string[]
  readonly Resource: unknown
}

const asList = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value])

describe('roles', () => {
  it('of our functions allow no action by pattern, and resources by pattern only where there is no other way', () => {
    const policies = Object.entries(stack.resources('AWS::IAM::Policy')).filter(
      ([id]) => !id.startsWith('CustomCDKBucketDeployment'),
    )
    const statements = policies.flatMap(
      ([, { Properties }]) =>
        (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement,
    )
    const actions = statements.flatMap(({ Action }) => asList(Action))
    expect(actions.filter((action) => action.includes('*'))).toEqual([])
    expect(
      actions.filter((action) => /Scan|Delete(Table|Connection)|PassRole/.test(action)),
    ).toEqual([])
    const patterns = statements
      .flatMap(({ Resource }) => asList(Resource).map(flat))
      .filter((resource) => resource.includes('*'))
      .map((resource) => resource.replace(/^arn:\{AWS::Partition\}:|\{AWS::\w+\}/g, ''))
    const anything = statements.filter(({ Resource }) => asList(Resource).includes('*'))
    // Composite alarms are refused to who may describe less than all.
    expect(anything.map(({ Action }) => Action)).toEqual(['cloudwatch:DescribeAlarms'])
    expect([...new Set(patterns)].sort()).toEqual([
      '*',
      'execute-api:::{SocketApi5DD0EDB2}/prod/DELETE/@connections/*',
      'execute-api:::{SocketApi5DD0EDB2}/prod/POST/@connections/*',
      'iot:::topic/cmd/*',
    ])
  })

  it('let the authorizer read by key and write the key sets of issuers, and nothing else', () => {
    const [authorizer] = Object.entries(stack.resources('AWS::IAM::Policy')).filter(([id]) =>
      id.startsWith('RoutesAuthorizer'),
    )
    const { Statement } = authorizer![1].Properties['PolicyDocument'] as { Statement: object[] }
    const table = { 'Fn::GetAtt': [expect.stringMatching(/^TablesConnections/), 'Arn'] }
    expect(Statement.slice(1)).toEqual([
      { Effect: 'Allow', Action: 'dynamodb:BatchGetItem', Resource: table },
      {
        Effect: 'Allow',
        Action: 'dynamodb:UpdateItem',
        Resource: table,
        Condition: {
          'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [KEY_SETS_PARTITION] },
        },
      },
    ])
  })

  it('let only expire close sockets', () => {
    const closers = Object.entries(stack.resources('AWS::IAM::Policy'))
      .filter(([, { Properties }]) => JSON.stringify(Properties).includes('/DELETE/@connections/*'))
      .map(([id]) => id)
    expect(closers).toHaveLength(1)
    expect(closers[0]).toMatch(/^SweepingExpire/)
  })

  it('of the topic rules can be used by rules of this account only', () => {
    const [role] = Object.entries(stack.resources('AWS::IAM::Role')).filter(([id]) =>
      id.startsWith('IngestRuleRole'),
    )
    expect(role![1].Properties).toMatchObject({
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Condition: {
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              ArnLike: { 'aws:SourceArn': expect.anything() as unknown },
            },
          },
        ],
      },
    })
  })
})

describe('more than one region', () => {
  const other = 'https://d2.cloudfront.net'
  const elsewhere = {
    issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc',
    clientId: 'client',
    tokenOrigin: 'https://gaugeline-1.auth.eu-west-1.amazoncognito.com',
    otherRegions: 'eu-west-1=wss://a.execute-api.eu-west-1.amazonaws.com/prod',
    otherDashboards: other,
  }
  const variablesOf = (of: Synthesized, name: string) =>
    ours(of.resources('AWS::Lambda::Function'))
      .map(variables)
      .find((all) => all['POWERTOOLS_SERVICE_NAME'] === name)!

  it('names what an account has once for all regions by its region', () => {
    const region = { 'Fn::Join': ['', ['Gaugeline-', { Ref: 'AWS::Region' }]] }
    const [access] = stack.properties('AWS::CloudFront::OriginAccessControl')
    const [headers] = stack.properties('AWS::CloudFront::ResponseHeadersPolicy')
    const [dashboard] = stack.properties('AWS::CloudWatch::Dashboard')
    expect(access).toMatchObject({ OriginAccessControlConfig: { Name: region } })
    expect(headers).toMatchObject({ ResponseHeadersPolicyConfig: { Name: region } })
    expect(dashboard).toMatchObject({ DashboardName: region })
  })

  it('a stack with the users of another has none of its own, and trusts that issuer only', () => {
    const second = synthesize(elsewhere)
    expect(second.properties('AWS::Cognito::UserPool')).toEqual([])
    expect(variablesOf(second, 'authorizer')).toMatchObject({
      [env.issuer]: elsewhere.issuer,
      [env.audience]: 'client',
      [env.jwksUri]: `${elsewhere.issuer}/.well-known/jwks.json`,
    })
  })

  it('the page may talk to the other region and to where people sign in', () => {
    const [headers] = synthesize(elsewhere).properties('AWS::CloudFront::ResponseHeadersPolicy')
    const policy = JSON.stringify(headers)
    for (const origin of [
      'https://cognito-idp.eu-west-1.amazonaws.com',
      elsewhere.tokenOrigin,
      'wss://a.execute-api.eu-west-1.amazonaws.com',
    ])
      expect(policy).toContain(` ${origin}`)
    expect(policy).not.toContain('cognito-idp.{')
  })

  it('the dashboard of the other region may open sockets here, and people come back to it from signing in', () => {
    const first = synthesize({ otherDashboards: other })
    expect(JSON.stringify(variablesOf(first, 'connect')[env.allowedOrigins])).toContain(`,${other}`)
    const [client] = first.properties('AWS::Cognito::UserPoolClient')
    expect(client!['CallbackURLs']).toContain(`${other}/callback`)
    expect(client!['LogoutURLs']).toContain(`${other}/`)
  })
})

it('a budget writes to who is told of alarms, at 80 % spent and when the month is going to exceed it', () => {
  expect(stack.properties('AWS::Budgets::Budget')).toEqual([])
  const [budget] = synthesize({
    monthlyBudgetUsd: '60',
    alarmEmail: 'a@example.com',
  }).properties('AWS::Budgets::Budget')
  expect(budget).toMatchObject({
    Budget: { BudgetType: 'COST', TimeUnit: 'MONTHLY', BudgetLimit: { Amount: 60, Unit: 'USD' } },
    NotificationsWithSubscribers: ['ACTUAL', 'FORECASTED'].map((NotificationType) => ({
      Notification: { NotificationType, ComparisonOperator: 'GREATER_THAN' },
      Subscribers: [{ SubscriptionType: 'EMAIL', Address: 'a@example.com' }],
    })),
  })
})

describe('devices that are told who watches them', () => {
  const grants = (of: Synthesized) =>
    Object.entries(of.resources('AWS::IAM::Policy')).flatMap(([id, { Properties }]) =>
      (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement.filter(({ Action }) =>
        asList(Action).includes('iot:RetainPublish'),
      ).map(({ Action, Resource }) => [id, Action, asList(Resource).map(flat)] as const),
    )
  const settings = (of: Synthesized) =>
    ours(of.resources('AWS::Lambda::Function')).flatMap((properties) => {
      const setting = variables(properties)[env.demandMessages]
      return setting === undefined
        ? []
        : [[variables(properties)['POWERTOOLS_SERVICE_NAME'], setting] as const]
    })

  it('are nobody’s affair unless it is wanted: it costs a message per change', () => {
    expect(grants(stack)).toEqual([])
    expect(settings(stack).sort()).toEqual([
      ['deliver', 'off'],
      ['disconnect', 'off'],
      ['subscriptions', 'off'],
    ])
  })

  it('are told by the functions that see watchers come and go, on exactly their demand topics', () => {
    const told = synthesize({ demandMessages: 'true' })
    const topics = ['arn:{AWS::Partition}:iot:{AWS::Region}:{AWS::AccountId}:topic/cmd/*/*/demand']
    const actions = ['iot:Publish', 'iot:RetainPublish']
    expect(grants(told)).toEqual([
      [expect.stringMatching(/^RoutesDisconnect/), actions, topics],
      [expect.stringMatching(/^RoutesSubscriptions/), actions, topics],
      [expect.stringMatching(/^DeliveryDeliver/), actions, topics],
    ])
    expect(settings(told).sort()).toEqual([
      ['deliver', 'on'],
      ['disconnect', 'on'],
      ['subscriptions', 'on'],
    ])
  })
})

describe('devices', () => {
  it('may be themselves and nothing else (CONFIG-13)', () => {
    const [policy] = stack.properties('AWS::IoT::Policy')
    const { Statement } = policy!['PolicyDocument'] as { Statement: Statement[] }
    const prefix = 'arn:{AWS::Partition}:iot:{AWS::Region}:{AWS::AccountId}:'
    const thing = '${iot:Connection.Thing.ThingName}'
    const site = '${iot:Connection.Thing.Attributes[site]}'
    expect(
      Statement.map(({ Action, Resource }) => [Action, asList(Resource).map(flat)] as const),
    ).toEqual([
      ['iot:Connect', [`${prefix}client/${thing}`]],
      [
        'iot:Publish',
        [
          `${prefix}topic/dt/${site}/${thing}/telemetry`,
          `${prefix}topic/$aws/rules/Gaugeline_Telemetry/dt/${site}/${thing}/telemetry`,
          `${prefix}topic/cmd/${site}/${thing}/*/result`,
        ],
      ],
      ['iot:Subscribe', [`${prefix}topicfilter/cmd/${site}/${thing}/*`]],
      ['iot:Receive', [`${prefix}topic/cmd/${site}/${thing}/*`]],
    ])
    expect(Statement[0]).toMatchObject({
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
    })
  })

  it('have every message kept: raw bytes to the stream, an error action, the recommended SQL version', () => {
    const rules = stack.properties('AWS::IoT::TopicRule')
    expect(rules).toHaveLength(3)
    for (const rule of rules)
      expect(rule['TopicRulePayload']).toMatchObject({
        AwsIotSqlVersion: '2016-03-23',
        Sql: expect.stringContaining("encode(*, 'base64') AS data") as unknown,
        Actions: [{ Kinesis: { PartitionKey: expect.anything() as unknown } }],
        ErrorAction: { Sqs: { UseBase64: false } },
      })
  })
})

describe('stream', () => {
  it('is consumed with bounded retries, split batches and a place for what failed', () => {
    const mappings = stack
      .properties('AWS::Lambda::EventSourceMapping')
      .filter((mapping) => JSON.stringify(mapping['EventSourceArn']).includes('Stream'))
    expect(mappings).toEqual([
      expect.objectContaining({
        BatchSize: 500,
        MaximumBatchingWindowInSeconds: 0,
        ParallelizationFactor: 1,
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        MaximumRetryAttempts: 50,
        MaximumRecordAgeInSeconds: 21_600,
        StartingPosition: 'TRIM_HORIZON',
        DestinationConfig: { OnFailure: { Destination: expect.anything() as unknown } },
      }),
    ])
  })

  it('and queues are encrypted and spoken to by TLS only', () => {
    for (const stream of stack.properties('AWS::Kinesis::Stream'))
      expect(stream['StreamEncryption']).toBeDefined()
    const queues = stack.resources('AWS::SQS::Queue')
    const policies = JSON.stringify(stack.properties('AWS::SQS::QueuePolicy'))
    for (const [id, { Properties }] of Object.entries(queues)) {
      expect(Properties['SqsManagedSseEnabled'], id).toBe(true)
      expect(policies).toContain(id)
    }
  })
})

describe('tables', () => {
  it('are keyed and expire as contract.ts says, and are kept when they hold what people need', () => {
    const tables = stack.resources('AWS::DynamoDB::Table')
    expect(Object.keys(tables)).toHaveLength(6)
    for (const [id, table] of Object.entries(tables)) {
      expect(table.Properties).toMatchObject({
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
        BillingMode: 'PAY_PER_REQUEST',
      })
      const kept = !/Connections|Subscriptions/.test(id)
      expect(table, id).toMatchObject({ DeletionPolicy: kept ? 'Retain' : 'Delete' })
    }
  })
})

describe('WebSocket API', () => {
  it('authorizes $connect and answers every message without a post (APIGW-53, APIGW-75)', () => {
    const routes = stack.properties('AWS::ApiGatewayV2::Route')
    const of = (key: string) => routes.find((route) => route['RouteKey'] === key)
    expect(of('$connect')).toMatchObject({ AuthorizationType: 'CUSTOM' })
    expect(of('$connect')!['AuthorizerId']).toBeDefined()
    const messages = routes.filter(
      ({ RouteKey }) => !/^\$(connect|disconnect)$/.test(String(RouteKey)),
    )
    expect(messages.map(({ RouteKey }) => RouteKey).sort()).toEqual([
      '$default',
      'alarms',
      'command',
      'hello',
      'history',
      'ping',
      'refresh',
      'revoke',
      'sendMessage',
      'subscribe',
      'unsubscribe',
    ])
    for (const route of messages) expect(route['RouteResponseSelectionExpression']).toBe('$default')
    expect(stack.properties('AWS::ApiGatewayV2::RouteResponse')).toHaveLength(messages.length)
  })

  it('may invoke each function from its own routes only (CFN-9)', () => {
    const sources = stack
      .properties('AWS::Lambda::Permission')
      .filter(({ Principal }) => Principal === 'apigateway.amazonaws.com')
      .map(({ SourceArn }) => flat(SourceArn))
    expect(sources).toHaveLength(14)
    expect(sources.filter((source) => source.includes('*'))).toEqual([])
  })

  it('takes the token from the subprotocol header, and logs neither it nor any body', () => {
    expect(stack.properties('AWS::ApiGatewayV2::Authorizer')).toEqual([
      expect.objectContaining({
        AuthorizerType: 'REQUEST',
        IdentitySource: ['route.request.header.Sec-WebSocket-Protocol'],
      }),
    ])
    const [stage] = stack.properties('AWS::ApiGatewayV2::Stage')
    expect(stage).toMatchObject({ DefaultRouteSettings: { DataTraceEnabled: false } })
    const { Format } = stage!['AccessLogSettings'] as { Format: string }
    expect(Object.values(JSON.parse(Format) as object).join()).not.toMatch(/header|query|body/i)
  })
})

describe('what a first deployment must not stumble over', () => {
  it('tells of each severity by a topic of its own, so that only one of them wakes somebody', () => {
    const told = stack.properties('AWS::CloudWatch::Alarm').map((alarm) => {
      const severity = String(alarm['AlarmDescription']).slice(0, 2)
      const [action] = alarm['AlarmActions'] as { Ref: string }[]
      return `${severity} ${/(Page|Ticket|Information)/.exec(action!.Ref)![0]}`
    })
    expect([...new Set(told)].sort()).toEqual(['P1 Page', 'P2 Ticket', 'P3 Information'])
  })

  it('puts every asynchronous event that a function fails on into a queue with an alarm, but for a schedule', () => {
    const rules = stack.properties('AWS::Events::Rule')
    const invoked = rules.flatMap(({ Targets, ScheduleExpression }) =>
      (Targets as { Arn: { 'Fn::GetAtt': [string] } }[]).map(
        ({ Arn }) => [Arn['Fn::GetAtt'][0], ScheduleExpression !== undefined] as const,
      ),
    )
    const configs = stack.properties('AWS::Lambda::EventInvokeConfig')
    const alarms = JSON.stringify(stack.properties('AWS::CloudWatch::Alarm'))
    expect(invoked.length).toBeGreaterThan(1)
    for (const [target, isScheduled] of invoked) {
      const config = configs.find((of) => (of['FunctionName'] as { Ref: string }).Ref === target)
      if (isScheduled) expect(config, target).toMatchObject({ MaximumRetryAttempts: 0 })
      else {
        const { OnFailure } = config!['DestinationConfig'] as {
          OnFailure: { Destination: { 'Fn::GetAtt': [string] } }
        }
        expect(alarms).toContain(OnFailure.Destination['Fn::GetAtt'][0])
      }
    }
  })

  it('serves routes by one deployment after all of them, another one when they change', () => {
    const stage = stack.properties('AWS::ApiGatewayV2::Stage')[0]!
    const [[id, deployment]] = Object.entries(stack.resources('AWS::ApiGatewayV2::Deployment')) as [
      [string, Resource & { DependsOn: string[] }],
    ]
    expect(stage).toMatchObject({ DeploymentId: { Ref: id } })
    expect(stage).not.toHaveProperty('AutoDeploy')
    const parts = ['Route', 'RouteResponse', 'Integration', 'Authorizer'].flatMap((kind) =>
      Object.keys(stack.resources(`AWS::ApiGatewayV2::${kind}`)),
    )
    expect([...deployment.DependsOn].sort()).toEqual(parts.sort())
    const again = Object.keys(synthesize().resources('AWS::ApiGatewayV2::Deployment'))
    expect(again).toEqual([id])
  })

  it("leaves the account's log role when it goes, and does not touch it when that is wanted", () => {
    const [account] = Object.values(stack.resources('AWS::ApiGateway::Account'))
    expect(account).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    const role = Object.entries(stack.resources('AWS::IAM::Role')).find(([id]) =>
      id.startsWith('SocketApiLogRole'),
    )
    expect(role![1]).toMatchObject({ DeletionPolicy: 'Retain' })
    const without = synthesize({ manageApiLogRole: 'false' })
    expect(without.properties('AWS::ApiGateway::Account')).toEqual([])
  })

  it('does not wait for CloudFront to forget the old page', () => {
    const waits = stack
      .properties('Custom::CDKBucketDeployment')
      .filter(({ DistributionId }) => DistributionId !== undefined)
      .map((of) => of['WaitForDistributionInvalidation'])
    expect(waits).toEqual([false])
  })

  it('counts no error of the authorizer as one of a route: it refuses tokens by throwing', () => {
    const alarm = stack
      .properties('AWS::CloudWatch::Alarm')
      .find(({ AlarmName }) => AlarmName === 'Gaugeline-route-errors')
    expect(JSON.stringify(alarm)).not.toMatch(/authorizer/i)
    expect((alarm!['Metrics'] as object[]).length).toBe(8)
  })

  it('lets no filled-in point decide alone: M of N with M < N wherever missing points are filled', () => {
    const filled = stack
      .properties('AWS::CloudWatch::Alarm')
      .filter(({ Metrics }) => JSON.stringify(Metrics ?? []).includes('FILL'))
    const strict = filled.filter(
      ({ DatapointsToAlarm: m, EvaluationPeriods: n }) => m === n && Number(n) > 1,
    )
    expect(filled.length).toBeGreaterThan(4)
    expect(strict.map(({ AlarmName }) => AlarmName)).toEqual([])
  })

  it('says the names that the pages of docs ask for', () => {
    const outputs = stack.stack.node.children.filter((child) => child instanceof CfnOutput)
    const names = outputs.map(({ node }) => node.id)
    expect(names).toEqual(expect.arrayContaining(['UserPoolId', 'DevicePolicy', 'Dashboard']))
  })
})

describe('people', () => {
  it('sign in on the page only, with a second factor where that is wanted', () => {
    const [client] = stack.properties('AWS::Cognito::UserPoolClient')
    expect(client!['ExplicitAuthFlows']).toEqual(['ALLOW_REFRESH_TOKEN_AUTH'])
    const mfa = (of: Synthesized) =>
      of.properties('AWS::Cognito::UserPool').map((pool) => pool['MfaConfiguration'])
    expect(mfa(stack)).toEqual(['OPTIONAL'])
    expect(mfa(synthesize({ requireMfa: 'true' }))).toEqual(['ON'])
  })

  it('cannot change their own devices: the client may not write custom:devices', () => {
    const [client] = stack.properties('AWS::Cognito::UserPoolClient')
    expect(client!['WriteAttributes']).toEqual(['preferred_username'])
    expect(client).toMatchObject({
      GenerateSecret: false,
      AllowedOAuthFlows: ['code'],
      AllowedOAuthFlowsUserPoolClient: true,
    })
    const [pool] = stack.properties('AWS::Cognito::UserPool')
    expect(pool).toMatchObject({ AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } })
  })
})

describe('site', () => {
  it('is private behind CloudFront and has a policy without exceptions', () => {
    const [bucket] = stack.properties('AWS::S3::Bucket')
    expect(bucket).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    })
    const [headers] = stack.properties('AWS::CloudFront::ResponseHeadersPolicy')
    const config = headers!['ResponseHeadersPolicyConfig'] as {
      SecurityHeadersConfig: { ContentSecurityPolicy: { ContentSecurityPolicy: unknown } }
    }
    const csp = flat(config.SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy)
    expect(csp).not.toMatch(/unsafe|\*/)
    expect(csp).toContain("default-src 'none'")
    expect(csp).toContain('wss://{SocketApi5DD0EDB2}.execute-api.{AWS::Region}.{AWS::URLSuffix}')
  })
})
