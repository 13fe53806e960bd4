type Resource = Readonly<Record<string, unknown>>

const arn = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] })
const ref = (logicalId: string) => ({ Ref: logicalId })

const resource = (Type: string, Properties: Resource = {}): Resource => ({ Type, Properties })

const fn = (FunctionName: string, S3Key: string): Resource =>
  resource('AWS::Lambda::Function', {
    FunctionName,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Timeout: 900,
    Code: { S3Bucket: 'assets', S3Key },
    Role: arn('Role'),
  })

const mayInvoke = (principal: string): Resource =>
  resource('AWS::Lambda::Permission', {
    Action: 'lambda:InvokeFunction',
    FunctionName: ref('Counter'),
    Principal: principal,
  })

const gateway: Readonly<Record<string, Resource>> = {
  Api: resource('AWS::ApiGatewayV2::Api', {
    Name: 'api',
    ProtocolType: 'WEBSOCKET',
    RouteSelectionExpression: '$request.body.action',
  }),
  Stage: resource('AWS::ApiGatewayV2::Stage', {
    ApiId: ref('Api'),
    StageName: 'prod',
    AutoDeploy: true,
  }),
  Integration: resource('AWS::ApiGatewayV2::Integration', {
    ApiId: ref('Api'),
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: {
      'Fn::Join': [
        '',
        [
          'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/',
          arn('Counter'),
          '/invocations',
        ],
      ],
    },
  }),
  Disconnect: resource('AWS::ApiGatewayV2::Route', {
    ApiId: ref('Api'),
    RouteKey: '$disconnect',
    Target: { 'Fn::Join': ['/', ['integrations', ref('Integration')]] },
  }),
  GatewayMay: mayInvoke('apigateway.amazonaws.com'),
}

/** The resources of a template that has something at every seam. */
export function templateOfEverySeam(names: {
  readonly stream: string
  readonly table: string
  readonly queue: string
  readonly topic: string
  readonly counter: string
  readonly sleeper: string
  readonly rule: string
}): Readonly<Record<string, Resource>> {
  return {
    ...gateway,
    Role: resource('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: ['lambda', 'iot'].map((service) => ({
          Effect: 'Allow',
          Principal: { Service: `${service}.amazonaws.com` },
          Action: 'sts:AssumeRole',
        })),
      },
      Policies: [
        {
          PolicyName: 'all',
          PolicyDocument: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
        },
      ],
    }),
    Stream: resource('AWS::Kinesis::Stream', { Name: names.stream, ShardCount: 1 }),
    Queue: resource('AWS::SQS::Queue', { QueueName: names.queue }),
    Topic: resource('AWS::SNS::Topic', { TopicName: names.topic }),
    Pool: resource('AWS::Cognito::UserPool'),
    Table: resource('AWS::DynamoDB::Table', {
      TableName: names.table,
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
    Counter: fn(names.counter, 'counter.zip'),
    Sleeper: fn(names.sleeper, 'sleeper.zip'),
    Mapping: resource('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: arn('Stream'),
      FunctionName: ref('Counter'),
      StartingPosition: 'TRIM_HORIZON',
    }),
    Rule: resource('AWS::IoT::TopicRule', {
      RuleName: names.rule,
      TopicRulePayload: {
        AwsIotSqlVersion: '2016-03-23',
        Sql: "SELECT * FROM 'dt/#'",
        Actions: [{ Kinesis: { StreamName: ref('Stream'), RoleArn: arn('Role') } }],
        ErrorAction: { Sqs: { QueueUrl: ref('Queue'), RoleArn: arn('Role') } },
      },
    }),
    BusRule: resource('AWS::Events::Rule', {
      EventPattern: { source: ['test'] },
      Targets: [{ Id: 'queue', Arn: arn('Queue') }],
    }),
    QueuePolicy: resource('AWS::SQS::QueuePolicy', {
      Queues: [ref('Queue')],
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }],
      },
    }),
  }
}
