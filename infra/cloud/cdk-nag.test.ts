import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { synthesize } from './stack.fixture.ts'

const account = '<AWS::Region>:<AWS::AccountId>'
const connections = (method: string) =>
  `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:${account}:<SocketApi5DD0EDB2>/prod/${method}/@connections/*]`
const deploymentRole =
  "The CDK's own deployment function, which runs while the stack is deployed and not afterwards"

/** Every finding that is accepted: how many resources it concerns, and why. Anything else, or one more, fails. */
const accepted: Readonly<Record<string, readonly [count: number, reason: string]>> = {
  'AwsSolutions-DDB3': [
    2,
    'Connections and Subscriptions hold live sockets only, which reconnect; a restore would bring back dead ones',
  ],
  'AwsSolutions-APIG4': [
    12,
    'A WebSocket API can authorize $connect only (APIGW-53); every message is checked against the connection row',
  ],
  [connections('POST')]: [
    8,
    'The ids of connections are not known before; one API, stage and method is the narrowest there is',
  ],
  [connections('DELETE')]: [1, 'As for POST; expire only'],
  [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iot:${account}:topic/cmd/*]`]: [
    1,
    'Commands go to any device; which one is decided by the entitlement of the person',
  ],
  'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
    [1, 'The policy AWS documents for the account-wide log role of API Gateway'],
  'AwsSolutions-S1': [
    1,
    'The bucket holds the public files of the dashboard; only CloudFront reads it',
  ],
  'AwsSolutions-CFR1': [1, 'Who may see data is decided by tokens, not by country'],
  'AwsSolutions-CFR2': [1, 'Static files; the WebSocket API cannot have a WAF (CFN-24)'],
  'AwsSolutions-CFR3': [
    1,
    'Requests for static files tell nothing that the API access log does not',
  ],
  'AwsSolutions-CFR4': [
    1,
    "CloudFront's own certificate cannot choose a TLS version; docs/deploy.md says how to use a domain",
  ],
  'AwsSolutions-COG2': [
    1,
    'Requiring MFA (requireMfa) is the choice of who runs the pool; optional, Cognito does not ask for it',
  ],
  'AwsSolutions-COG8': [1, 'The Plus plan costs per user; Essentials has what the tokens need'],
  'AwsSolutions-SQS3': [
    1,
    'This queue is the failure queue of a function; one failing must not fill another',
  ],
  'Serverless-SQSRedrivePolicy': [3, 'These are the last queues: a person looks at what is there'],
  'Serverless-LambdaDLQ': [
    15,
    'Functions are invoked synchronously or by mappings and rules that have their own failure queues; the sweeper runs again in a minute',
  ],
  'Serverless-LambdaTracing': [
    15,
    'Log lines and metrics carry the hops of each reading; X-Ray would cost more than the pipeline',
  ],
  'Serverless-LambdaEventSourceMappingDestination': [
    3,
    'The mappings of the expiry queue and of the two failure queues: a queue has its redrive policy instead',
  ],
  'Serverless-LambdaAsyncFailureDestination': [
    1,
    'The sweeper: the next minute does the same work, and an alarm notices when it does not',
  ],
  'Serverless-EventBusDLQ': [1, "The sweeper's schedule: the next minute is the retry"],
  'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]':
    [1, deploymentRole],
  'AwsSolutions-IAM5[Action::s3:GetObject*]': [1, deploymentRole],
  'AwsSolutions-IAM5[Action::s3:GetBucket*]': [1, deploymentRole],
  'AwsSolutions-IAM5[Action::s3:List*]': [1, deploymentRole],
  'AwsSolutions-IAM5[Action::s3:DeleteObject*]': [1, deploymentRole],
  'AwsSolutions-IAM5[Action::s3:Abort*]': [1, deploymentRole],
  'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*]':
    [1, deploymentRole],
  'AwsSolutions-IAM5[Resource::<SiteFiles975A43CF.Arn>/*]': [1, deploymentRole],
  'AwsSolutions-IAM5[Resource::*]': [
    2,
    `${deploymentRole}; and DescribeAlarms, which shows composite alarms only to who may describe all alarms`,
  ],
  'AwsSolutions-L1': [1, deploymentRole],
  'Serverless-LambdaLatestVersion': [1, deploymentRole],
}

describe('cdk-nag (AwsSolutions, Serverless)', () => {
  it('finds exactly what is accepted here with a reason', () => {
    const { app, stack } = synthesize()
    const found = [new AwsSolutionsChecks(app), new ServerlessChecks(app)]
      .flatMap((pack) => pack.validateScope(stack).violations)
      .map(({ ruleName, violatingResources }) => [ruleName, violatingResources.length] as const)
    const expected = Object.entries(accepted).map(([rule, [count]]) => [rule, count] as const)
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
  })
})
