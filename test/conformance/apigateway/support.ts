import { WebSocket } from 'ws'
import { systemClock } from '../../../infra/local/platform/clock.ts'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { createHostMap } from '../../../infra/local/platform/host-map.ts'
import type { Functions, MetricDatum } from '../../../infra/local/platform/types.ts'
import { createApiGateway } from '../../../infra/local/services/apigateway/index.ts'
import type {
  ApiGateway,
  ApiGatewayOptions,
} from '../../../infra/local/services/apigateway/index.ts'
import { openClient } from './client.ts'
import type { Client } from './client.ts'
import { rawUpgrade } from './raw-socket.ts'
import type { RawRequest, RawSocket } from './raw-socket.ts'

export const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }

/** What functions get, as far as the tests look. */
export interface GatewayEvent {
  readonly type?: string
  readonly methodArn?: string
  readonly headers?: Record<string, string>
  readonly multiValueHeaders?: Record<string, string[]>
  readonly queryStringParameters?: Record<string, string>
  readonly multiValueQueryStringParameters?: Record<string, string[]>
  readonly stageVariables?: Record<string, string>
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly requestContext: {
    readonly routeKey: string
    readonly eventType: string
    readonly requestId: string
    readonly extendedRequestId: string
    readonly requestTime: string
    readonly requestTimeEpoch: number
    readonly connectedAt: number
    readonly connectionId: string
    readonly messageId?: string
    readonly authorizer?: Record<string, string | number>
    readonly identity: Record<string, string>
    readonly disconnectStatusCode?: number
    readonly disconnectReason?: string
  }
}

/** A function of the fake `Functions` port; throwing is a function error. */
export type Handler = (event: GatewayEvent, source: string) => unknown

export interface GatewayBench {
  readonly gateway: ApiGateway
  readonly metrics: MetricDatum[]
  readonly logs: { readonly group: string; readonly message: string }[]
  readonly hosts: ReturnType<typeof createHostMap>
  readonly apiId: string
  readonly websocket: string
  readonly management: string
  /** Every event that a function got, by function name. */
  events(name: string): GatewayEvent[]
  /** Resolves with the next event of a function that has not been awaited yet. */
  nextEvent(name: string): Promise<GatewayEvent>
  create(type: string, logicalId: string, properties: object): Promise<string>
  open(options?: {
    path?: string
    protocols?: string[]
    headers?: Record<string, string>
  }): Promise<Client>
  /** Cuts every client's TCP connection. */
  dropClients(): Promise<void>
  stop(): Promise<void>
}

export interface BenchOptions extends Partial<ApiGatewayOptions> {
  /** Functions by name: `connect`, `disconnect`, `auth`, `default`, or a route key. */
  readonly handlers?: Readonly<Record<string, Handler>>
  /** Routes beside those of `handlers`; those in `twoWay` have a route response. */
  readonly twoWay?: readonly string[]
  readonly authorizer?: object
  readonly connectRoute?: object
  readonly stage?: object
  readonly api?: object
  readonly integration?: object
}

const routeKeys: Readonly<Record<string, string>> = {
  connect: '$connect',
  disconnect: '$disconnect',
  default: '$default',
}

/** A gateway with one API and stage `prod` over fakes of the ports around it. */
export async function gatewayBench(options: BenchOptions = {}): Promise<GatewayBench> {
  const { handlers = {} } = options
  const metrics: MetricDatum[] = []
  const logs: GatewayBench['logs'] = []
  const hosts = createHostMap()
  const recorder = recordEvents()
  const gateway = createApiGateway({
    clock: systemClock(),
    account,
    functions: fakeFunctions(handlers, recorder.record),
    authorization: {
      check: () => undefined,
      isAllowed: () => true,
      credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
    },
    principals: () => undefined,
    metrics: { put: (datum) => metrics.push(datum) },
    logs: { write: (event) => logs.push(event) },
    faults: { at: () => undefined },
    port: 0,
    hostMap: hosts,
    ...options,
  })
  await gateway.start()
  const create = async (type: string, logicalId: string, properties: object) => {
    const provider = gateway.providers.find((candidate) => candidate.type === type)
    const created = await provider!.create({ logicalId, type, properties: { ...properties } })
    return created.ref
  }
  const apiId = await buildApi(create, options)
  const clients: WebSocket[] = []
  const { websocket, management } = gateway.urls('prod')
  return {
    gateway,
    metrics,
    logs,
    hosts,
    apiId,
    websocket,
    management,
    create,
    events: recorder.events,
    nextEvent: recorder.nextEvent,
    open({ path = '', protocols = [], headers = {} } = {}) {
      const socket = new WebSocket(`${websocket}${path}`, protocols, { headers })
      clients.push(socket)
      return openClient(socket)
    },
    async dropClients() {
      await Promise.all(
        clients.map(async (client) => {
          const closed = new Promise((resolve) => client.once('close', resolve))
          client.terminate()
          await closed
        }),
      )
    },
    async stop() {
      for (const client of clients) client.terminate()
      await gateway.stop()
    },
  }
}

type Create = GatewayBench['create']

async function buildApi(create: Create, options: BenchOptions): Promise<string> {
  const ApiId = await create('AWS::ApiGatewayV2::Api', 'Api', {
    Name: 'bench',
    ProtocolType: 'WEBSOCKET',
    RouteSelectionExpression: '$request.body.action',
    ...options.api,
  })
  const names = Object.keys(options.handlers ?? {}).filter((name) => name !== 'auth')
  for (const name of names) {
    const integration = await create('AWS::ApiGatewayV2::Integration', `${name}Integration`, {
      ApiId,
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: invocationUri(name),
      ...options.integration,
    })
    const auth =
      name === 'connect' && options.handlers?.auth
        ? {
            AuthorizationType: 'CUSTOM',
            AuthorizerId: await create('AWS::ApiGatewayV2::Authorizer', 'Auth', {
              ApiId,
              AuthorizerType: 'REQUEST',
              AuthorizerUri: invocationUri('auth'),
              ...options.authorizer,
            }),
          }
        : {}
    const twoWay = options.twoWay?.includes(name) ?? false
    const RouteId = await create('AWS::ApiGatewayV2::Route', `${name}Route`, {
      ApiId,
      RouteKey: routeKeys[name] ?? name,
      Target: `integrations/${integration}`,
      ...auth,
      ...(twoWay && { RouteResponseSelectionExpression: '$default' }),
      ...(name === 'connect' && options.connectRoute),
    })
    if (twoWay)
      await create('AWS::ApiGatewayV2::RouteResponse', `${name}Response`, {
        ApiId,
        RouteId,
        RouteResponseKey: '$default',
      })
  }
  await create('AWS::ApiGatewayV2::Stage', 'Stage', {
    ApiId,
    StageName: 'prod',
    AutoDeploy: true,
    ...options.stage,
  })
  return ApiId
}

export function invocationUri(name: string): string {
  return `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:${name}/invocations`
}

function recordEvents() {
  const events = new Map<string, GatewayEvent[]>()
  const read = new Map<string, number>()
  const waiting: (() => void)[] = []
  const of = (name: string) => {
    let list = events.get(name)
    if (!list) events.set(name, (list = []))
    return list
  }
  return {
    events: of,
    record: (name: string, event: GatewayEvent) => {
      of(name).push(event)
      for (const wake of waiting.splice(0)) wake()
    },
    nextEvent: async (name: string) => {
      const at = read.get(name) ?? 0
      read.set(name, at + 1)
      while (of(name).length <= at) await new Promise<void>((resolve) => waiting.push(resolve))
      return of(name)[at]!
    },
  }
}

function fakeFunctions(
  handlers: Readonly<Record<string, Handler>>,
  record: (name: string, event: GatewayEvent) => void,
): Functions {
  return {
    async invoke({ functionName, payload, invokedBy }) {
      const name = functionName.split(':').at(-1)!
      const event = JSON.parse(JSON.stringify(payload)) as GatewayEvent
      record(name, event)
      const handler = handlers[name]
      if (!handler) throw new AwsError('ResourceNotFoundException', 'no function', { status: 404 })
      const requestId = crypto.randomUUID()
      try {
        const answer = await handler(event, invokedBy?.sourceArn ?? '')
        return { requestId, payload: answer === undefined ? null : answer }
      } catch (error) {
        if (error instanceof AwsError) throw error
        const { name: errorType, message: errorMessage } = error as Error
        return { requestId, payload: { errorType, errorMessage }, functionError: 'Unhandled' }
      }
    },
    describe: () => ({ arn: '', timeoutSeconds: 3, memoryMb: 128 }),
  }
}

/** {@link rawUpgrade} to the stage `prod` of a gateway of this process. */
export function rawSocket(gateway: ApiGateway, request: RawRequest = {}): Promise<RawSocket> {
  return rawUpgrade(gateway.urls('prod').websocket, request)
}
