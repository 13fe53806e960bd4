import { Duration } from 'aws-cdk-lib'
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  CfnEventInvokeConfig,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { METRICS_DIMENSION, METRICS_NAMESPACE, type metrics } from '../../backend/src/contract.ts'
import type { Environment } from './environment.ts'
import type { Foundation } from './foundation.ts'
import type { FunctionName } from './bundle.ts'

type MetricName = (typeof metrics)[keyof typeof metrics]

export interface ServiceFunctionProps {
  readonly foundation: Foundation
  readonly name: FunctionName
  readonly description: string
  readonly environment?: Environment
  readonly memoryMb: number
  readonly timeoutSeconds: number
}

/** A Lambda function with its own role and log group: it may write its logs and nothing else until {@link allow} says so. */
export class ServiceFunction extends Construct {
  readonly function: LambdaFunction
  readonly name: FunctionName
  readonly #role: Role

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id)
    this.name = props.name
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.foundation.config.logRetentionDays,
      removalPolicy: props.foundation.disposable,
    })
    this.#role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Gaugeline ${props.name}`,
    })
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn])
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(props.foundation.bundle(props.name)),
      handler: 'index.handler',
      role: this.#role,
      memorySize: props.memoryMb,
      timeout: Duration.seconds(props.timeoutSeconds),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: {
        ...props.environment,
        POWERTOOLS_SERVICE_NAME: props.name,
        POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
      },
    })
    // A function must not start before it may do its work.
    this.function.node.addDependency(this.#role)
  }

  /** Allows exactly these actions on exactly these resources, under these conditions. */
  allow(
    actions: readonly string[],
    resources: readonly string[],
    conditions: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
  ): void {
    this.#role.addToPrincipalPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: [...actions],
        resources: [...resources],
        conditions,
      }),
    )
  }

  /**
   * What becomes of events that Lambda has taken (from EventBridge, SNS, IoT Core) and on which the function fails: the dead-letter queue of who handed
   * them over sees only what could not be handed over. `keepIn` absent: they are dropped, where the next run does the same work.
   */
  whenAsynchronousFails(rule: {
    readonly retryAttempts: 0 | 1 | 2
    readonly keepIn?: IQueue
    readonly maxEventAge?: Duration
  }): void {
    const { retryAttempts, keepIn, maxEventAge = Duration.minutes(15) } = rule
    if (keepIn) this.allow(['sqs:SendMessage'], [keepIn.queueArn])
    new CfnEventInvokeConfig(this, 'Asynchronous', {
      functionName: this.function.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: retryAttempts,
      maximumEventAgeInSeconds: maxEventAge.toSeconds(),
      ...(keepIn && { destinationConfig: { onFailure: { destination: keepIn.queueArn } } }),
    })
  }

  /** A metric this function emits itself, by its name in contract.ts; one minute. */
  metric(metricName: MetricName, statistic: string = Stats.SUM): Metric {
    return new Metric({
      namespace: METRICS_NAMESPACE,
      metricName,
      dimensionsMap: { [METRICS_DIMENSION]: this.name },
      statistic,
      period: Duration.minutes(1),
    })
  }
}
