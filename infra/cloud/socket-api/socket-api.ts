import { Fn, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway'
import { CfnApi, type CfnDeployment, CfnStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Foundation } from '../foundation.ts'
import type { ServiceFunction } from '../service-function.ts'

/** What every connect, message and disconnect leaves in the access log: never a header, a query or a body (SECURITY-18). */
const ACCESS_LOG_FORMAT = JSON.stringify({
  requestId: '$context.requestId',
  requestTimeEpoch: '$context.requestTimeEpoch',
  connectionId: '$context.connectionId',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  status: '$context.status',
  sourceIp: '$context.identity.sourceIp',
  user: '$context.authorizer.principalId',
  authorizerError: '$context.authorizer.error',
  integrationError: '$context.integration.error',
  integrationLatencyMs: '$context.integration.latency',
  error: '$context.error.message',
})

/** The WebSocket API, its one stage and its addresses. Routes are added by `Routes`. */
export class SocketApi extends Construct {
  readonly apiId: string
  readonly stageName: string
  /** `wss://…/{stage}`: where browsers connect. */
  readonly websocketUrl: string
  /** `wss://…`: what the dashboard's content security policy allows. */
  readonly websocketOrigin: string
  /** `https://…/{stage}`: where functions post to connections. */
  readonly managementUrl: string
  readonly #stage: CfnStage

  constructor(scope: Construct, id: string, foundation: Foundation) {
    super(scope, id)
    const { region, urlSuffix } = Stack.of(this)
    const api = new CfnApi(this, 'Api', {
      name: Stack.of(this).stackName,
      description: 'Gaugeline: live telemetry for dashboards',
      protocolType: 'WEBSOCKET',
      routeSelectionExpression: '$request.body.action',
    })
    this.apiId = api.ref
    this.stageName = foundation.config.stageName
    const host = `${this.apiId}.execute-api.${region}.${urlSuffix}`
    this.websocketOrigin = `wss://${host}`
    this.websocketUrl = `wss://${host}/${this.stageName}`
    this.managementUrl = `https://${host}/${this.stageName}`
    this.#stage = this.#addStage(foundation)
  }

  /** The routes that the stage answers with. */
  serve(deployment: CfnDeployment): void {
    this.#stage.deploymentId = deployment.ref
  }

  /** ARN of calls to connections with one method; never all of them (SECURITY-2). */
  #connectionsArn(method: 'POST' | 'DELETE' | 'GET'): string {
    return this.executeArn(`${this.stageName}/${method}/@connections/*`)
  }

  executeArn(resource: string): string {
    const { partition, region, account } = Stack.of(this)
    return `arn:${partition}:execute-api:${region}:${account}:${this.apiId}/${resource}`
  }

  grantPost(target: ServiceFunction): void {
    target.allow(['execute-api:ManageConnections'], [this.#connectionsArn('POST')])
  }

  grantClose(target: ServiceFunction): void {
    target.allow(['execute-api:ManageConnections'], [this.#connectionsArn('DELETE')])
  }

  #addStage({ config, disposable }: Foundation): CfnStage {
    const accessLogs = new LogGroup(this, 'AccessLogs', {
      retention: config.logRetentionDays,
      removalPolicy: disposable,
    })
    const stage = new CfnStage(this, 'Stage', {
      apiId: this.apiId,
      stageName: this.stageName,
      defaultRouteSettings: {
        throttlingRateLimit: config.throttle.ratePerSecond,
        throttlingBurstLimit: config.throttle.burst,
        // Metrics per route would cost a custom metric each; the functions' own metrics say more.
        detailedMetricsEnabled: false,
        dataTraceEnabled: false,
      },
      accessLogSettings: {
        // The stage wants the ARN without the `:*` that GetAtt adds (CFN-23).
        destinationArn: Fn.select(0, Fn.split(':*', accessLogs.logGroupArn)),
        format: ACCESS_LOG_FORMAT,
      },
    })
    if (config.manageApiLogRole) stage.addResourceDependency(this.#logAccount())
    return stage
  }

  /**
   * API Gateway writes logs only with a role set once for the account and region (CFN-8). It outlives the stack: without it the logs of
   * every other API there would end (aws-cdk #10878).
   */
  #logAccount(): CfnAccount {
    const role = new Role(this, 'LogRole', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
      ],
    })
    role.applyRemovalPolicy(RemovalPolicy.RETAIN)
    const account = new CfnAccount(this, 'LogAccount', { cloudWatchRoleArn: role.roleArn })
    account.applyRemovalPolicy(RemovalPolicy.RETAIN)
    return account
  }
}
