import path from 'node:path'
import { createDisk } from './platform/disk.ts'
import type { FaultControl } from './platform/faults.ts'
import { createFaults } from './platform/faults.ts'
import type { HostMap } from './platform/host-map.ts'
import type { Kept } from './platform/kept.ts'
import { late } from './platform/late.ts'
import type {
  Account,
  ApiHandler,
  Clock,
  Metrics,
  ResourceService,
  Service,
} from './platform/types.ts'
import type { ApiGateway } from './services/apigateway/index.ts'
import { createApiGateway } from './services/apigateway/index.ts'
import type { CloudWatch } from './services/cloudwatch/index.ts'
import { createCloudWatch } from './services/cloudwatch/index.ts'
import { createCognito } from './services/cognito/index.ts'
import type { DynamoDb } from './services/dynamodb/index.ts'
import { createDynamoDb } from './services/dynamodb/index.ts'
import type { Endpoint } from './services/endpoint/index.ts'
import { createEndpoint } from './services/endpoint/index.ts'
import { createEventSourceMappings } from './services/event-source/index.ts'
import type { Events } from './services/events/index.ts'
import { createEvents } from './services/events/index.ts'
import type { Iam } from './services/iam/index.ts'
import { createIam } from './services/iam/index.ts'
import { createInert } from './services/inert/index.ts'
import type { Iot } from './services/iot/index.ts'
import { createIot } from './services/iot/index.ts'
import type { Kinesis } from './services/kinesis/index.ts'
import { createKinesis } from './services/kinesis/index.ts'
import type { Lambda } from './services/lambda/index.ts'
import { createLambda } from './services/lambda/index.ts'
import type { Logs } from './services/logs/index.ts'
import { createLogs } from './services/logs/index.ts'
import type { SiteService } from './services/site/index.ts'
import { createSite } from './services/site/index.ts'
import type { StartPages } from './services/site/pages.ts'
import type { Sns } from './services/sns/index.ts'
import { createSns } from './services/sns/index.ts'
import type { Sqs } from './services/sqs/index.ts'
import { createSqs } from './services/sqs/index.ts'
import type { AssetPath } from './template/assets.ts'

export interface Ports {
  /** 0 = any, as everywhere. */
  readonly dashboard: number
  readonly mqtt: number
  readonly aws: number
  readonly gateway: number
  readonly issuer: number
}

export interface CompositionOptions {
  readonly account: Account
  readonly clock: Clock
  readonly hosts: HostMap
  readonly assetPath: AssetPath
  readonly ports: Ports
  readonly localKey: string
  readonly dataDir: string | undefined
  /** Serves the dashboard from its sources; absent = as it was deployed. */
  readonly startPages?: StartPages | undefined
  /** Tells the person at the terminal something, in one line. */
  readonly tell: (line: string) => void
  readonly maxEnvironments: number
}

/** Every service of one system, made and wired, nothing started yet. */
export interface Composition extends Stores, Compute, Front {
  readonly faults: FaultControl
  readonly endpoint: Endpoint
  /** In starting order. */
  readonly services: readonly (Service | ResourceService)[]
}

/** What nearly every service takes. */
interface Shared {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Iam
  readonly faults: FaultControl
  readonly metrics: Metrics
}

interface Stores {
  readonly logs: Logs
  readonly dynamodb: DynamoDb
  readonly kinesis: Kinesis
  readonly sqs: Sqs
}

interface Compute {
  readonly lambda: Lambda
  readonly sns: Sns
  readonly events: Events
  readonly eventSources: ResourceService
  readonly cloudwatch: CloudWatch
}

interface Front {
  readonly gateway: ApiGateway
  readonly iot: Iot
  readonly cognito: ResourceService
  readonly site: SiteService
}

type KeptOf = (name: string) => Kept | undefined

function keptIn({ dataDir, clock, tell }: CompositionOptions): KeptOf {
  if (dataDir === undefined) return () => undefined
  const disk = createDisk({ directory: dataDir, clock, tell })
  return (name) => ({ path: path.join(dataDir, name), disk, tell })
}

function composeStores(shared: Shared, keptOf: KeptOf): Stores {
  return {
    logs: createLogs(shared),
    dynamodb: createDynamoDb({ ...shared, kept: keptOf('dynamodb') }),
    kinesis: createKinesis({ ...shared, kept: keptOf('kinesis') }),
    sqs: createSqs({ ...shared, kept: keptOf('sqs') }),
  }
}

function composeCompute(
  shared: Shared,
  stores: Stores,
  options: {
    readonly keptOf: KeptOf
    readonly assetPath: AssetPath
    readonly awsUrl: () => string
    readonly maxEnvironments: number
  },
): Compute {
  const lambda = createLambda({
    ...shared,
    assetPath: options.assetPath,
    maxEnvironments: options.maxEnvironments,
    logs: stores.logs,
    endpoints: () => ({
      AWS_ENDPOINT_URL: options.awsUrl(),
      // The functions' runtime in the cloud is a newer Node; here it is the machine's.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    }),
    queues: () => stores.sqs,
    topics: () => sns,
    mappings: () => eventSources,
  })
  const sns = createSns({ ...shared, functions: lambda, queues: stores.sqs, logs: stores.logs })
  const eventSources = createEventSourceMappings({
    ...shared,
    kept: options.keptOf('checkpoints'),
    functions: lambda,
    streams: stores.kinesis,
    queues: stores.sqs,
    queueSource: stores.sqs,
    topics: sns,
  })
  const targets = { functions: lambda, queues: stores.sqs, topics: sns }
  const events = createEvents({ ...shared, ...targets })
  const cloudwatch = createCloudWatch({ ...shared, ...targets, events })
  return { lambda, sns, events, eventSources, cloudwatch }
}

function composeFront(
  shared: Shared,
  { logs, kinesis, sqs, lambda }: Stores & Compute,
  options: CompositionOptions,
): Front {
  const { hosts, ports, account, assetPath, localKey } = options
  const principals: Iam['principalFor'] = (accessKeyId) =>
    shared.authorization.principalFor(accessKeyId)
  return {
    gateway: createApiGateway({
      ...shared,
      principals,
      functions: lambda,
      logs,
      port: ports.gateway,
      hostMap: hosts,
    }),
    iot: createIot({
      ...shared,
      streams: kinesis,
      functions: lambda,
      queues: sqs,
      mqttPort: ports.mqtt,
      tell: options.tell,
    }),
    cognito: createCognito({
      ...shared,
      functions: lambda,
      hostMap: hosts,
      port: ports.issuer,
      localKey,
    }),
    site: createSite({
      account,
      assetPath,
      hostMap: hosts,
      port: ports.dashboard,
      startPages: options.startPages,
    }),
  }
}

const apiOf = (service: object): ApiHandler | undefined =>
  'api' in service ? (service.api as ApiHandler) : undefined

/** Makes the services in an order in which each finds what it needs; those that need each other meet through late ports. */
export function compose(options: CompositionOptions): Composition {
  const { account, clock } = options
  const keptOf = keptIn(options)
  const faults = createFaults({ clock })
  const iam = createIam({ account })
  const metrics = late<Metrics>('metrics')
  const endpoint = createEndpoint({
    clock,
    account,
    faults,
    port: options.ports.aws,
    principals: (accessKeyId) => iam.principalFor(accessKeyId),
  })
  const shared = { clock, account, authorization: iam, faults, metrics: metrics.port }
  const stores = composeStores(shared, keptOf)
  const compute = composeCompute(shared, stores, {
    keptOf,
    assetPath: options.assetPath,
    maxEnvironments: options.maxEnvironments,
    awsUrl: () => endpoint.url,
  })
  metrics.become(compute.cloudwatch)
  const front = composeFront(shared, { ...stores, ...compute }, options)
  const { logs, dynamodb, kinesis, sqs } = stores
  const { lambda, sns, events, eventSources, cloudwatch } = compute
  const { gateway, iot, cognito, site } = front
  // Ports first, so that a busy one is told before anything else happens; what takes readings in comes last and stops first.
  const services = [
    site,
    endpoint,
    iam,
    createInert({ account }),
    cloudwatch,
    logs,
    dynamodb,
    kinesis,
    sqs,
    sns,
    events,
    lambda,
    cognito,
    gateway,
    eventSources,
    iot,
  ]
  for (const service of services) {
    const api = apiOf(service)
    if (api) endpoint.mount(api)
  }
  return { faults, endpoint, services, ...stores, ...compute, ...front }
}
