import { StartError } from '../../platform/errors.ts'
import { propertiesOf } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type { Account, ResolvedResource, ResourceProvider } from '../../platform/types.ts'
import type { Stream } from './stream.ts'

/** An on-demand stream starts with four shards. Source: Kinesis Data Streams Developer Guide, "Choose the data stream capacity mode". */
const ON_DEMAND_SHARDS = 4

export interface StreamShape {
  readonly name: string
  readonly arn: string
  readonly shardCount: number
  readonly mode: 'PROVISIONED' | 'ON_DEMAND'
}

/** `AWS::Kinesis::Stream` (CFN-16). Ref = name; GetAtt Arn. */
export function streamProvider(
  account: Account,
  streams: {
    open(shape: StreamShape): Stream
    remove(name: string): void
  },
): ResourceProvider {
  const create = (resource: ResolvedResource): { ref: string; attributes: { Arn: string } } => {
    const shape = shapeOf(account, resource)
    const stream = streams.open(shape)
    stream.retentionHours = retentionOf(resource)
    stream.trim()
    return { ref: shape.name, attributes: { Arn: shape.arn } }
  }
  return {
    type: 'AWS::Kinesis::Stream',
    properties: {
      Name: 'used',
      ShardCount: 'used',
      RetentionPeriodHours: 'used',
      StreamModeDetails: { StreamMode: 'used' },
      // One disk, one user: encryption at rest and tags have nothing to act on.
      StreamEncryption: 'inert',
      Tags: 'inert',
    },
    create,
    update(resource, previous) {
      const before = shapeOf(account, previous)
      const after = shapeOf(account, resource)
      if (before.name !== after.name || before.shardCount !== after.shardCount) {
        streams.remove(before.name)
      }
      return create(resource)
    },
    delete: (resource) => streams.remove(shapeOf(account, resource).name),
  }
}

function shapeOf(account: Account, resource: ResolvedResource): StreamShape {
  const properties = propertiesOf(resource)
  const name =
    properties.optionalText('Name') ?? physicalName(account.stackName, resource.logicalId, 128)
  const isOnDemand =
    properties.nested('StreamModeDetails')?.optionalText('StreamMode') === 'ON_DEMAND'
  const shardCount = properties.optionalInteger('ShardCount')
  if (isOnDemand && shardCount !== undefined) {
    throw invalid(resource, `ShardCount ${shardCount} does not go with the mode ON_DEMAND`)
  }
  if (!isOnDemand && (shardCount === undefined || shardCount < 1)) {
    throw invalid(resource, 'ShardCount must be at least 1 in the mode PROVISIONED')
  }
  return {
    name,
    arn: `arn:aws:kinesis:${account.region}:${account.accountId}:stream/${name}`,
    shardCount: shardCount ?? ON_DEMAND_SHARDS,
    mode: isOnDemand ? 'ON_DEMAND' : 'PROVISIONED',
  }
}

/** KINESIS-8: 24 hours unless given, up to 8,760. */
function retentionOf(resource: ResolvedResource): number {
  const hours = propertiesOf(resource).optionalInteger('RetentionPeriodHours') ?? 24
  if (hours >= 24 && hours <= 8760) return hours
  throw invalid(resource, `RetentionPeriodHours ${hours} is not between 24 and 8760`)
}

function invalid(resource: ResolvedResource, problem: string): StartError {
  return new StartError(
    'STREAM_INVALID',
    `${resource.logicalId} (${resource.type}): ${problem}. Correct the template, then start again.`,
  )
}
