import { AwsError, StartError } from '../../platform/errors.ts'
import { propertiesOf } from '../../platform/fields.ts'
import type { Kept } from '../../platform/kept.ts'
import { stableId } from '../../platform/naming.ts'
import type {
  Account,
  Authorization,
  Clock,
  CreatedResource,
  Faults,
  Functions,
  Metrics,
  Queues,
  QueueSource,
  ResolvedResource,
  ResourceProvider,
  ResourceService,
  Streams,
  Topics,
} from '../../platform/types.ts'
import { createCheckpoints } from './checkpoints.ts'
import { startQueueMapping } from './queue-mapping.ts'
import {
  queueSettings,
  streamSettings,
  type MappingSettings,
  type QueueSettings,
  type StreamSettings,
} from './settings.ts'
import { startStreamMapping, type Mapping } from './stream-mapping.ts'

/** Without a batching window a batch gathers this long after its first record. */
const GATHER_MS = 10
/** What is still at work after this long when a mapping stops is delivered again at the next start. */
const DRAIN_MS = 3000

export interface EventSourceOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly functions: Functions
  readonly streams: Streams
  readonly queues: Queues
  readonly queueSource: QueueSource
  readonly topics: Topics
  readonly metrics: Metrics
  readonly faults?: Faults
  /** Keeps the checkpoints across restarts; in memory when absent. */
  readonly kept?: Kept | undefined
  /** 10 when absent. */
  readonly gatherMs?: number
  /** KINESIS-11: AWS polls about once a second; absent = as soon as records arrive. */
  readonly pollIntervalMs?: number
}

/** CFN-11. Filters, tumbling windows and other sources are not here, so a template that has them is refused. */
const properties: ResourceProvider['properties'] = {
  EventSourceArn: 'used',
  FunctionName: 'used',
  Enabled: 'used',
  BatchSize: 'used',
  MaximumBatchingWindowInSeconds: 'used',
  ParallelizationFactor: 'used',
  BisectBatchOnFunctionError: 'used',
  MaximumRetryAttempts: 'used',
  MaximumRecordAgeInSeconds: 'used',
  StartingPosition: 'used',
  StartingPositionTimestamp: 'used',
  FunctionResponseTypes: ['used'],
  DestinationConfig: { OnFailure: { Destination: 'used' } },
  ScalingConfig: { MaximumConcurrency: 'used' },
  Tags: 'inert',
}

/** KINESIS-35, and the same for queues. */
const POLL_ACTIONS = {
  kinesis: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListShards'],
  sqs: ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'],
} as const

export interface EventSourceMappings extends ResourceService {
  /** What the Lambda API shows of them: `EventSourceMappingConfiguration`. */
  list(): readonly MappingConfiguration[]
  /** Switches one on or off; throws TypeError for an id that there is not. */
  setEnabled(id: string, isEnabled: boolean): Promise<MappingConfiguration>
}

type MappingConfiguration = Readonly<Record<string, unknown>> & {
  readonly UUID: string
  readonly EventSourceArn: string
  readonly FunctionArn: string
}

interface Deployed {
  readonly resource: ResolvedResource
  readonly isEnabled: boolean
  readonly changedMs: number
}

/** Event source mappings for Kinesis streams and SQS queues. */
export function createEventSourceMappings(options: EventSourceOptions): EventSourceMappings {
  const checkpoints = createCheckpoints(options.clock, options.kept)
  const running = new Map<
    string,
    { readonly settings: MappingSettings; readonly mapping: Mapping }
  >()

  const deployed = new Map<string, Deployed>()

  const describe = (
    id: string,
    { resource, isEnabled, changedMs }: Deployed,
  ): MappingConfiguration => {
    const settings = settingsOf(id, resource)
    return {
      UUID: id,
      EventSourceArn: settings.sourceArn,
      FunctionArn: options.functions.describe(settings.functionName).arn,
      BatchSize: settings.batchSize,
      MaximumBatchingWindowInSeconds: settings.windowMs / 1000,
      State: isEnabled ? 'Enabled' : 'Disabled',
      StateTransitionReason: 'User action',
      LastModified: changedMs / 1000,
      FunctionResponseTypes: settings.reportsItemFailures ? ['ReportBatchItemFailures'] : [],
      ...('streamName' in settings && streamFacts(settings)),
    }
  }
  const stop = async (id: string): Promise<void> => {
    const entry = running.get(id)
    running.delete(id)
    if (entry) await atMost(DRAIN_MS, entry.mapping.stop(), options.clock)
  }
  const create = (resource: ResolvedResource): CreatedResource => {
    const id = mappingId(options.account, resource.logicalId)
    const settings = settingsOf(id, resource)
    refuseRepeated(
      resource,
      settings,
      [...running.values()].map((entry) => entry.settings),
    )
    refuseUnpollable(resource, settings, options)
    const isEnabled = propertiesOf(resource).optionalBoolean('Enabled') !== false
    deployed.set(id, { resource, isEnabled, changedMs: options.clock.now() })
    if (isEnabled) {
      const dependencies = { ...options, checkpoints, gatherMs: options.gatherMs ?? GATHER_MS }
      const mapping =
        'streamName' in settings
          ? startStreamMapping(settings, dependencies)
          : startQueueMapping(settings, dependencies)
      running.set(id, { settings, mapping })
    }
    const arn = `arn:aws:lambda:${options.account.region}:${options.account.accountId}:event-source-mapping:${id}`
    return { ref: id, attributes: { Id: id, EventSourceMappingArn: arn } }
  }

  return {
    name: 'event-source-mappings',
    providers: [
      {
        type: 'AWS::Lambda::EventSourceMapping',
        properties,
        create,
        async update(resource, previous) {
          await stop(mappingId(options.account, previous.logicalId))
          return create(resource)
        },
        async delete(resource) {
          const id = mappingId(options.account, resource.logicalId)
          await stop(id)
          deployed.delete(id)
          checkpoints.forget(id)
        },
      },
    ],
    list: () => [...deployed].map(([id, entry]) => describe(id, entry)),
    async setEnabled(id, isEnabled) {
      const entry = deployed.get(id)
      if (!entry) throw new TypeError(`There is no mapping ${id}`)
      if (entry.isEnabled !== isEnabled) {
        await stop(id)
        const { resource } = entry
        create({ ...resource, properties: { ...resource.properties, Enabled: isEnabled } })
      }
      return describe(id, deployed.get(id) ?? entry)
    },
    start: () => Promise.resolve(),
    async stop() {
      await Promise.all([...running.keys()].map(stop))
      checkpoints.save()
    },
  }
}

/** As the API shows them: −1 = no bound. */
function streamFacts(settings: StreamSettings): Readonly<Record<string, unknown>> {
  const orMinusOne = (value: number): number => (Number.isFinite(value) ? value : -1)
  return {
    StartingPosition: settings.startingPosition,
    ParallelizationFactor: settings.parallelization,
    BisectBatchOnFunctionError: settings.bisect,
    MaximumRetryAttempts: orMinusOne(settings.maxRetries),
    MaximumRecordAgeInSeconds: orMinusOne(settings.maxAgeMs / 1000),
    ...(settings.onFailureArn !== undefined && {
      DestinationConfig: { OnFailure: { Destination: settings.onFailureArn } },
    }),
  }
}

function atMost(ms: number, work: Promise<void>, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, resolve)
    work.then(resolve, reject).finally(cancel)
  })
}

/** The same in every run, so that a data directory finds its checkpoints again. */
function mappingId(account: Account, logicalId: string): string {
  const hex = Buffer.from(stableId(`${account.stackName}/${logicalId}`, 16)).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function settingsOf(id: string, resource: ResolvedResource): StreamSettings | QueueSettings {
  const given = propertiesOf(resource)
  const source = given.text('EventSourceArn')
  try {
    if (source.startsWith('arn:aws:kinesis:')) return streamSettings(id, given)
    if (source.startsWith('arn:aws:sqs:')) return queueSettings(id, given)
  } catch (error) {
    throw refused(resource, error instanceof AwsError ? error.message : String(error))
  }
  throw refused(resource, `only Kinesis and SQS sources run on one machine, not ${source}`)
}

/** KINESIS-32. */
function refuseRepeated(
  resource: ResolvedResource,
  settings: MappingSettings,
  others: readonly MappingSettings[],
): void {
  const twin = others.find(
    (other) =>
      other.sourceArn === settings.sourceArn && other.functionName === settings.functionName,
  )
  if (twin) throw refused(resource, `mapping ${twin.id} has the same source and function`)
}

function refuseUnpollable(
  resource: ResolvedResource,
  settings: StreamSettings | QueueSettings,
  { functions, authorization, streams }: EventSourceOptions,
): void {
  const { roleArn } = functions.describe(settings.functionName)
  const service = 'streamName' in settings ? 'kinesis' : 'sqs'
  if (roleArn !== undefined) {
    const denied = POLL_ACTIONS[service].find(
      (action) =>
        !authorization.isAllowed(
          { arn: roleArn, roleArn },
          `${service}:${action}`,
          settings.sourceArn,
        ),
    )
    if (denied !== undefined) {
      throw refused(resource, `the function's role ${roleArn} lacks ${service}:${denied}`)
    }
    const destination = 'streamName' in settings ? settings.onFailureArn : undefined
    const action =
      destination?.startsWith('arn:aws:sns:') === true ? 'sns:Publish' : 'sqs:SendMessage'
    const principal = { arn: roleArn, roleArn }
    if (destination !== undefined && !authorization.isAllowed(principal, action, destination)) {
      throw refused(resource, `the function's role ${roleArn} lacks ${action} on ${destination}`)
    }
  }
  if (service === 'kinesis') streams.shards(settings.sourceArn.split('/')[1] ?? '')
}

function refused(resource: ResolvedResource, reason: string): StartError {
  return new StartError(
    'MAPPING_INVALID',
    `${resource.logicalId} (${resource.type}): Lambda would refuse it: ${reason}.`,
  )
}
