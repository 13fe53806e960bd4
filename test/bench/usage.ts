import {
  CloudWatchClient,
  GetMetricDataCommand,
  ListMetricsCommand,
  type Dimension,
} from '@aws-sdk/client-cloudwatch'
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { Endpoints } from '../../infra/local/start/endpoints.ts'
import type { Billed } from '../../simulator/src/plan/prices.ts'

/** Units that AWS would bill, as the running system's own CloudWatch metrics count them since the start. */
export type Usage = Partial<Record<Billed, number>>

interface Counter {
  readonly billed: Billed
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
  /** What one counted unit is in billed units. */
  readonly factor: number
}

/** Reads the meters. `startMs`: before the system started. */
export async function readUsage(endpoints: Endpoints, startMs: number): Promise<Usage> {
  const at = {
    endpoint: endpoints.aws,
    region: endpoints.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  }
  const cloudWatch = new CloudWatchClient(at)
  const counters = [
    ...(await countersOf(endpoints, new LambdaClient(at))),
    ...(await messageCounters(cloudWatch)),
  ]
  const answer = await cloudWatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(startMs - 60_000),
      EndTime: new Date(Date.now() + 60_000),
      MetricDataQueries: counters.map(({ namespace, name, dimensions }, index) => ({
        Id: `m${index}`,
        MetricStat: {
          Metric: {
            Namespace: namespace,
            MetricName: name,
            Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
          },
          Period: 60,
          Stat: 'Sum',
        },
      })),
    }),
  )
  const usage: Usage = {}
  for (const { Id, Values } of answer.MetricDataResults ?? []) {
    const counter = counters[Number(Id?.slice(1))]
    if (!counter) continue
    const sum = (Values ?? []).reduce((total, value) => total + value, 0) * counter.factor
    usage[counter.billed] = (usage[counter.billed] ?? 0) + sum
  }
  return usage
}

/** Every unit of `after` less what was used before. */
export function usedBetween(before: Usage, after: Usage): Usage {
  const entries = Object.entries(after) as [Billed, number][]
  return Object.fromEntries(entries.map(([key, value]) => [key, value - (before[key] ?? 0)]))
}

async function countersOf(endpoints: Endpoints, lambda: LambdaClient): Promise<Counter[]> {
  const counter = (billed: Billed, metric: string, dimensions = {}, factor = 1): Counter => {
    const [namespace = '', name = ''] = metric.split(' ')
    return { billed, namespace, name, dimensions, factor }
  }
  const ofTables = Object.values(endpoints.tables).flatMap((TableName) => [
    counter('dynamoReadUnit', 'AWS/DynamoDB ConsumedReadCapacityUnits', { TableName }),
    counter('dynamoWriteUnit', 'AWS/DynamoDB ConsumedWriteCapacityUnits', { TableName }),
  ])
  const ofFunctions = await Promise.all(
    Object.values(endpoints.functions).map(async (FunctionName) => {
      const { MemorySize = 128, LoggingConfig } = await lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName }),
      )
      const LogGroupName = LoggingConfig?.LogGroup ?? `/aws/lambda/${FunctionName}`
      return [
        counter('lambdaRequest', 'AWS/Lambda Invocations', { FunctionName }),
        counter('lambdaGbSecond', 'AWS/Lambda Duration', { FunctionName }, MemorySize / 1024 / 1e3),
        counter('logsGb', 'AWS/Logs IncomingBytes', { LogGroupName }, 1 / 1e9),
      ]
    }),
  )
  return [
    ...ofTables,
    ...ofFunctions.flat(),
    // Each rule has one action, which puts one record of one PUT unit.
    counter('iotRule', 'AWS/IoT RulesExecuted'),
    counter('iotAction', 'AWS/IoT RulesExecuted'),
    counter('kinesisPutUnit', 'AWS/IoT RulesExecuted'),
  ]
}

/**
 * Messages of the API in both directions: posts, what clients send and what their routes answer (APIGW-107). A frame is kept below
 * 28 KB, so that each is one billed message.
 */
async function messageCounters(client: CloudWatchClient): Promise<Counter[]> {
  const [namespace, name] = ['AWS/ApiGateway', 'MessageCount']
  const { Metrics = [] } = await client.send(
    new ListMetricsCommand({ Namespace: namespace, MetricName: name }),
  )
  const isWholeApi = (dimensions: readonly Dimension[]): boolean =>
    dimensions.length === 1 && dimensions[0]?.Name === 'ApiId'
  return Metrics.filter(({ Dimensions = [] }) => isWholeApi(Dimensions)).map(
    ({ Dimensions = [] }) => ({
      billed: 'webSocketMessage',
      namespace,
      name,
      dimensions: Object.fromEntries(Dimensions.map(({ Name = '', Value = '' }) => [Name, Value])),
      factor: 1,
    }),
  )
}
