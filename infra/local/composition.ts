import path from 'node:path'
import { createFaults } from './platform/faults.ts'
import type { FaultControl } from './platform/faults.ts'
import type { HostMap } from './platform/host-map.ts'
import { late } from './platform/late.ts'
import type {
  Account,
  ApiHandler,
  Clock,
  Metrics,
  Queues,
  QueueSource,
  ResourceService,
  Service,
  Topics,
} from './platform/types.ts'
import type { ApiGateway } from './services/apigateway/index.ts'
import { createApiGateway } from './services/apigateway/index.ts'
import { createCognito } from './services/cognito/index.ts'
import { createDynamoDb } from './services/dynamodb/index.ts'
import type { Endpoint } from './services/endpoint/index.ts'
import { createEndpoint } from './services/endpoint/index.ts'
import { createEventSourceMappings } from './services/event-source/index.ts'
import type { Iam } from './services/iam/index.ts'
import { createIam } from './services/iam/index.ts'
import { createInert } from './services/inert/index.ts'
import type { Iot } from './services/iot/index.ts'
import { createIot } from './services/iot/index.ts'
import { createKinesis } from './services/kinesis/index.ts'
import type { Lambda } from './services/lambda/index.ts'
import { createLambda } from './services/lambda/index.ts'
import type { Logs } from './services/logs/index.ts'
import { createLogs } from './services/logs/index.ts'
import type { AssetPath } from './template/assets.ts'

export interface Ports {
  /** 0 = any, as everywhere. */
  readonly dashboard: number
  readonly mqtt: number
  readonly aws: number
}

export interface CompositionOptions {
  readonly account: Account
  readonly clock: Clock
  readonly hosts: HostMap
  readonly assetPath: AssetPath
  readonly ports: Ports
  readonly localKey: string
  readonly dataDir: string | undefined
}

/** Every service of one system, made and wired, nothing started yet. */
export interface Composition {
  readonly faults: FaultControl
  readonly endpoint: Endpoint
  readonly gateway: ApiGateway
  readonly iot: Iot
  readonly lambda: Lambda
  readonly logs: Logs
  /** In starting order. */
  readonly services: readonly (Service | ResourceService)[]
}

const apiOf = (service: object): ApiHandler | undefined =>
  'api' in service ? (service.api as ApiHandler) : undefined

/** Makes the services in an order in which each finds what it needs; those that need each other meet through late ports. */
export function compose(options: CompositionOptions): Composition {
  const { account, clock, hosts, assetPath, ports } = options
  const kept = (name: string): { path?: string } =>
    options.dataDir === undefined ? {} : { path: path.join(options.dataDir, name) }
  const faults = createFaults({ clock })
  const iam = createIam({ account })
  const principals: Iam['principalFor'] = (accessKeyId) => iam.principalFor(accessKeyId)
  const metrics = late<Metrics>('metrics')
  const queues = late<Queues & QueueSource>('queues')
  const topics = late<Topics>('topics')
  const endpoint = createEndpoint({
    clock,
    account,
    faults,
    port: ports.aws,
    principals,
  })
  const shared = { clock, account, authorization: iam, faults, metrics: metrics.port }
  const logs = createLogs(shared)
  const dynamodb = createDynamoDb({ ...shared, ...kept('dynamodb') })
  const kinesis = createKinesis({ ...shared, ...kept('kinesis') })
  const lambda = createLambda({
    ...shared,
    assetPath,
    logs,
    endpoints: () => ({
      AWS_ENDPOINT_URL: endpoint.url,
      // The functions' runtime in the cloud is a newer Node; here it is the machine's.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    }),
    queues: () => queues.port,
    topics: () => topics.port,
  })
  const iot = createIot({
    ...shared,
    streams: kinesis,
    functions: lambda,
    queues: queues.port,
    mqttPort: ports.mqtt,
  })
  const eventSources = createEventSourceMappings({
    ...shared,
    ...kept('positions'),
    functions: lambda,
    streams: kinesis,
    queues: queues.port,
    queueSource: queues.port,
    topics: topics.port,
  })
  const gateway = createApiGateway({
    ...shared,
    principals,
    functions: lambda,
    logs,
    port: 0,
    hostMap: hosts,
  })
  const cognito = createCognito({
    ...shared,
    functions: lambda,
    hostMap: hosts,
    port: 0,
    localKey: options.localKey,
  })
  const services = [
    endpoint,
    iam,
    createInert({ account }),
    logs,
    dynamodb,
    kinesis,
    lambda,
    iot,
    eventSources,
    gateway,
    cognito,
  ]
  for (const service of services) {
    const api = apiOf(service)
    if (api) endpoint.mount(api)
  }
  return { faults, endpoint, gateway, iot, lambda, logs, services }
}
