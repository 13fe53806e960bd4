import { fileURLToPath } from 'node:url'
import { createLambda } from '../../../infra/local/services/lambda/index.ts'
import type { Lambda, LambdaOptions } from '../../../infra/local/services/lambda/index.ts'
import { systemClock } from '../../../infra/local/platform/clock.ts'
import type { Clock, MetricDatum } from '../../../infra/local/platform/types.ts'

export const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }
const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url))

export interface LambdaBench {
  readonly lambda: Lambda
  readonly metrics: MetricDatum[]
  readonly logs: { readonly group: string; readonly stream: string; readonly message: string }[]
  readonly sent: {
    readonly arn: string
    readonly body: unknown
    readonly attributes: Readonly<Record<string, string>> | undefined
  }[]
  /** Creates a function from `fixtures`; its name is its logical id. */
  create(
    logicalId: string,
    handler: string,
    properties?: Readonly<Record<string, unknown>>,
  ): Promise<string>
  update(logicalId: string, handler: string): Promise<void>
  resource(type: string, logicalId: string, properties: object): Promise<void>
  stop(): Promise<void>
}

/** Lambda over fakes of the ports around it. */
export function lambdaBench(
  options: { readonly clock?: Clock } & Partial<LambdaOptions> = {},
): LambdaBench {
  const metrics: MetricDatum[] = []
  const logs: LambdaBench['logs'] = []
  const sent: LambdaBench['sent'] = []
  const lambda = createLambda({
    clock: systemClock(),
    account,
    authorization: {
      check: () => undefined,
      isAllowed: () => true,
      credentialsFor: () => ({
        accessKeyId: 'ASIAEXAMPLE',
        secretAccessKey: 'secret',
        sessionToken: 'token',
      }),
    },
    endpoints: () => ({ AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' }),
    logs: { write: (event) => logs.push(event) },
    metrics: { put: (datum) => metrics.push(datum) },
    faults: { at: () => undefined },
    assetPath: () => fixtures,
    queues: () => ({
      send: async (arn, body, attributes) => {
        sent.push({ arn, body: JSON.parse(body), attributes })
        return { messageId: 'm' }
      },
    }),
    topics: () => ({
      publish: async (arn, { body }) => {
        sent.push({ arn, body: JSON.parse(body), attributes: undefined })
      },
    }),
    ...options,
  })
  const resource = async (type: string, logicalId: string, properties: object) => {
    const provider = lambda.providers.find((candidate) => candidate.type === type)
    await provider!.create({ logicalId, type, properties: { ...properties } })
  }
  const functionResource = (logicalId: string, handler: string, properties: object = {}) => ({
    logicalId,
    type: 'AWS::Lambda::Function',
    properties: {
      FunctionName: logicalId,
      Handler: handler,
      Runtime: 'nodejs22.x',
      Role: `arn:aws:iam::000000000000:role/${logicalId}`,
      Code: { S3Key: 'asset.zip' },
      Timeout: 5,
      ...properties,
    },
  })
  return {
    lambda,
    metrics,
    logs,
    sent,
    resource,
    async create(logicalId, handler, properties) {
      const made = functionResource(logicalId, handler, properties)
      await resource(made.type, logicalId, made.properties)
      return logicalId
    },
    async update(logicalId, handler) {
      const provider = lambda.providers.find(({ type }) => type === 'AWS::Lambda::Function')
      const next = functionResource(logicalId, handler)
      await provider!.update!(next, next)
    },
    stop: () => lambda.stop(),
  }
}
