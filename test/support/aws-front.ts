import { manualClock, type ManualClock } from '../../infra/local/platform/clock.ts'
import { createDisk } from '../../infra/local/platform/disk.ts'
import { AwsError } from '../../infra/local/platform/errors.ts'
import type { Kept } from '../../infra/local/platform/kept.ts'
import { createFaults, type FaultControl } from '../../infra/local/platform/faults.ts'
import type {
  Account,
  ApiHandler,
  Authorization,
  CreatedResource,
  MetricDatum,
  Metrics,
  ResourceService,
} from '../../infra/local/platform/types.ts'
import { createEndpoint, type Endpoint } from '../../infra/local/services/endpoint/index.ts'

/** What the services of a conformance suite share: a clock that only moves when told, faults, recorded metrics, an IAM of the test's choice. */
export interface Ground {
  readonly clock: ManualClock
  readonly account: Account
  readonly faults: FaultControl
  readonly metrics: Metrics
  readonly authorization: Authorization
  readonly recorded: MetricDatum[]
  /** `action resource` pairs that are refused, for callers with a role. */
  readonly denied: Set<string>
}

export const ROLE = {
  arn: 'arn:aws:sts::000000000000:assumed-role/Deliver/deliver',
  roleArn: 'arn:aws:iam::000000000000:role/Deliver',
}

const ROLE_KEY = { accessKeyId: 'ASIAROLE', secretAccessKey: 'of-the-role' }

export function ground(): Ground {
  const clock = manualClock()
  const recorded: MetricDatum[] = []
  const denied = new Set<string>()
  const isAllowed: Authorization['isAllowed'] = (principal, action, resource) =>
    principal.roleArn === undefined || !denied.has(`${action} ${resource}`)
  return {
    clock,
    recorded,
    denied,
    account: { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' },
    faults: createFaults({ clock }),
    metrics: { put: (datum) => void recorded.push(datum) },
    authorization: {
      isAllowed,
      check(principal, action, resource) {
        if (isAllowed(principal, action, resource)) return
        const message = `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource}`
        throw new AwsError('AccessDeniedException', message, { status: 403 })
      },
      credentialsFor: () => ({ ...ROLE_KEY, sessionToken: '' }),
    },
  }
}

/** A directory that services keep things in; nobody is told of its disk unless `tell` is given. */
export function keptAt(
  { clock }: Pick<Ground, 'clock'>,
  path: string,
  tell: (line: string) => void = () => undefined,
): Kept {
  return { path, tell, disk: createDisk({ directory: path, clock, tell }) }
}

/** How an SDK client reaches the front: as the local developer, or as the role of a function. */
export interface ClientConfig {
  readonly endpoint: string
  readonly region: string
  readonly maxAttempts: number
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export interface AwsFront {
  readonly endpoint: Endpoint
  readonly developer: ClientConfig
  readonly role: ClientConfig
  /** Creates a resource as the template reader would, by its type. */
  create(
    type: string,
    properties: Record<string, unknown>,
    logicalId?: string,
  ): Promise<CreatedResource>
  stop(): Promise<void>
}

/** The AWS front with these services behind it, started, on any port. */
export async function awsFront(
  on: Ground,
  services: readonly (ResourceService & { readonly api?: ApiHandler })[],
): Promise<AwsFront> {
  const endpoint = createEndpoint({
    ...on,
    port: 0,
    principals: (accessKeyId) =>
      accessKeyId === ROLE_KEY.accessKeyId
        ? { principal: ROLE, secretAccessKey: ROLE_KEY.secretAccessKey }
        : undefined,
  })
  for (const service of services) {
    await service.start()
    if (service.api) endpoint.mount(service.api)
  }
  await endpoint.start()
  const common = { endpoint: endpoint.url, region: on.account.region, maxAttempts: 1 }
  return {
    endpoint,
    developer: { ...common, credentials: { accessKeyId: 'mine', secretAccessKey: 'any' } },
    role: { ...common, credentials: ROLE_KEY },
    async create(type, properties, logicalId = 'It') {
      const provider = services
        .flatMap((service) => service.providers)
        .find((one) => one.type === type)
      if (!provider) throw new TypeError(`No provider for ${type}`)
      return provider.create({ logicalId, type, properties })
    },
    async stop() {
      await endpoint.stop()
      for (const service of [...services].reverse()) await service.stop()
    },
  }
}
