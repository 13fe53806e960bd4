import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { System } from '../../../infra/local/system.ts'
import { startTemplate } from '../../support/template-system.ts'

const role = (service: string, actions: readonly string[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: `${service}.amazonaws.com` },
          Action: 'sts:AssumeRole',
        },
      ],
    },
    Policies: [
      {
        PolicyName: 'own',
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
        },
      },
    ],
  },
})
const stream = { Type: 'AWS::Kinesis::Stream', Properties: { ShardCount: 1 } }
const functionWith = (roleId: string) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Runtime: 'nodejs22.x',
    Role: { 'Fn::GetAtt': [roleId, 'Arn'] },
    Code: { ZipFile: 'exports.handler = async () => null' },
  },
})
const mapping = (more: object = {}) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: {
    EventSourceArn: { 'Fn::GetAtt': ['Stream', 'Arn'] },
    FunctionName: { Ref: 'Function' },
    StartingPosition: 'LATEST',
    ...more,
  },
})
const api = {
  Type: 'AWS::ApiGatewayV2::Api',
  Properties: {
    Name: 'api',
    ProtocolType: 'WEBSOCKET',
    RouteSelectionExpression: '$request.body.action',
  },
}
const integration = {
  Type: 'AWS::ApiGatewayV2::Integration',
  Properties: {
    ApiId: { Ref: 'Api' },
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: {
      'Fn::Sub':
        'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations',
    },
  },
}
const budget = {
  Type: 'AWS::Budgets::Budget',
  Properties: {
    Budget: {
      BudgetName: 'month',
      BudgetType: 'COST',
      TimeUnit: 'MONTHLY',
      BudgetLimit: { Amount: 10, Unit: 'USD' },
    },
  },
}

const Resources = {
  Stream: stream,
  Role: role('lambda', ['kinesis:*', 'logs:*']),
  RuleRole: role('iot', ['kinesis:PutRecord']),
  Function: functionWith('Role'),
  Mapping: mapping({ BisectBatchOnFunctionError: true, MaximumRetryAttempts: 3 }),
  Config: {
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: {
      FunctionName: { Ref: 'Function' },
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 60,
    },
  },
  Api: api,
  Integration: integration,
  Route: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey: 'hello',
      RouteResponseSelectionExpression: '$default',
      Target: { 'Fn::Sub': 'integrations/${Integration}' },
    },
  },
  Response: {
    Type: 'AWS::ApiGatewayV2::RouteResponse',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteId: { Ref: 'Route' },
      RouteResponseKey: '$default',
    },
  },
  Deployment: {
    Type: 'AWS::ApiGatewayV2::Deployment',
    DependsOn: ['Route', 'Response'],
    Properties: { ApiId: { Ref: 'Api' } },
  },
  Stage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: {
      ApiId: { Ref: 'Api' },
      StageName: 'prod',
      DeploymentId: { Ref: 'Deployment' },
    },
  },
  Rule: {
    Type: 'AWS::IoT::TopicRule',
    Properties: {
      RuleName: 'readings',
      TopicRulePayload: {
        Sql: "SELECT * FROM 'dt/#'",
        AwsIotSqlVersion: '2016-03-23',
        Actions: [
          {
            Kinesis: {
              StreamName: { Ref: 'Stream' },
              PartitionKey: '${topic()}',
              RoleArn: { 'Fn::GetAtt': ['RuleRole', 'Arn'] },
            },
          },
        ],
      },
    },
  },
  Policy: {
    Type: 'AWS::IoT::Policy',
    Properties: {
      PolicyName: 'devices',
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }],
      },
    },
  },
  Thing: { Type: 'AWS::IoT::Thing', Properties: { ThingName: 'pump' } },
  Alarm: {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: 'errors',
      Namespace: 'Shop',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    },
  },
  Budget: budget,
  Group: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/own', RetentionInDays: 7 } },
}

describe('what Ref and GetAtt give', () => {
  let system: System
  beforeAll(async () => {
    system = await startTemplate('Conformance', { Resources })
  })
  afterAll(() => system.stop())

  const of = (logicalId: string) => {
    const { physicalId, attributes } = system.deployed.byLogicalId(logicalId)!
    return { ref: physicalId, ...attributes }
  }
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

  it.each<[string, string, object]>([
    ['CFN-4: a route response', 'Response', { ref: /^[a-z0-9]{6,}$/ }],
    ['CFN-7: a deployment', 'Deployment', { ref: /^[a-z0-9]{6,}$/ }],
    ['CFN-11: an event source mapping', 'Mapping', { ref: uuid, Id: uuid }],
    ['CFN-12: an event invoke configuration', 'Config', { ref: /./ }],
    [
      'CFN-13: a topic rule',
      'Rule',
      { ref: /^readings$/, Arn: /^arn:aws:iot:eu-west-1:000000000000:rule\/readings$/ },
    ],
    [
      'CFN-14: a policy',
      'Policy',
      { ref: /^devices$/, Arn: /^arn:aws:iot:eu-west-1:000000000000:policy\/devices$/ },
    ],
    [
      'CFN-14: a thing',
      'Thing',
      { ref: /^pump$/, Arn: /^arn:aws:iot:eu-west-1:000000000000:thing\/pump$/ },
    ],
    [
      'CFN-19: an alarm',
      'Alarm',
      { ref: /^errors$/, Arn: /^arn:aws:cloudwatch:eu-west-1:000000000000:alarm:errors$/ },
    ],
    ['CFN-21: a budget', 'Budget', { ref: /^month$/ }],
    [
      'CFN-23: a log group',
      'Group',
      { ref: /^\/own$/, Arn: /^arn:aws:logs:eu-west-1:000000000000:log-group:\/own:\*$/ },
    ],
  ])('%s', (_, logicalId, expected) => {
    const patterns = Object.entries(expected).map(([name, pattern]) => [
      name,
      expect.stringMatching(pattern as RegExp) as string,
    ])
    expect(of(logicalId)).toMatchObject(Object.fromEntries(patterns) as object)
  })
})

describe('what stops the start, by logical id', () => {
  it.each<[string, object, string]>([
    [
      'CFN-4: the integration response of WebSocket APIs that convert content',
      { Answer: { Type: 'AWS::ApiGatewayV2::IntegrationResponse', Properties: {} } },
      'Answer (AWS::ApiGatewayV2::IntegrationResponse)',
    ],
    [
      'CFN-18: a global table',
      { Everywhere: { Type: 'AWS::DynamoDB::GlobalTable', Properties: {} } },
      'Everywhere (AWS::DynamoDB::GlobalTable)',
    ],
    [
      'CFN-22, CFN-24, APIGW-110: a web ACL',
      { Wall: { Type: 'AWS::WAFv2::WebACLAssociation', Properties: {} } },
      'Wall (AWS::WAFv2::WebACLAssociation)',
    ],
    [
      'KINESIS-30: filters of a mapping',
      { Mapping: mapping({ FilterCriteria: { Filters: [{ Pattern: '{}' }] } }) },
      'Mapping (AWS::Lambda::EventSourceMapping): FilterCriteria',
    ],
    [
      'KINESIS-31: a tumbling window',
      { Mapping: mapping({ TumblingWindowInSeconds: 30 }) },
      'Mapping (AWS::Lambda::EventSourceMapping): TumblingWindowInSeconds',
    ],
    [
      'DDB-18, DDB-20: a stream of a table, which the engine would drop without a word',
      {
        Table: {
          Type: 'AWS::DynamoDB::Table',
          Properties: { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } },
        },
      },
      'Table (AWS::DynamoDB::Table): StreamSpecification',
    ],
  ])('%s', async (_, resources, message) => {
    const template = {
      Resources: {
        Stream: stream,
        Role: role('lambda', ['kinesis:*']),
        Function: functionWith('Role'),
        ...resources,
      },
    }
    await expect(startTemplate('Conformance', template)).rejects.toThrow(message)
  })

  it.each(['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListShards'])(
    'KINESIS-35: a role without kinesis:%s',
    async (missing) => {
      const all = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListShards']
      const actions = all.filter((action) => action !== missing)
      const template = {
        Resources: {
          Stream: stream,
          Role: role(
            'lambda',
            actions.map((action) => `kinesis:${action}`),
          ),
          Function: functionWith('Role'),
          Mapping: mapping(),
        },
      }
      await expect(startTemplate('Conformance', template)).rejects.toThrow(
        `lacks kinesis:${missing}`,
      )
    },
  )
})
