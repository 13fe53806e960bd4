import { isObject, propertiesOf } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type { Account, PropertySpec, ResolvedResource } from '../../platform/types.ts'
import type { BucketFiles } from './files.ts'

export const bucketProperties: { readonly [name: string]: PropertySpec } = {
  BucketName: 'used',
  // Files are in memory on one machine, reached by the distribution only.
  BucketEncryption: 'inert',
  OwnershipControls: 'inert',
  PublicAccessBlockConfiguration: 'inert',
  Tags: 'inert',
}

export interface Bucket {
  readonly name: string
  readonly domain: string
  readonly files: BucketFiles
  policy?: unknown
}

export function readBucket(resource: ResolvedResource, account: Account): Bucket {
  const name =
    propertiesOf(resource).optionalText('BucketName') ??
    physicalName(account.stackName, resource.logicalId, 63).toLowerCase()
  return { name, domain: `${name}.s3.${account.region}.amazonaws.com`, files: new Map() }
}

/** Whether the bucket's policy lets this distribution read: a forgotten grant is a 403 in AWS, so it is one here. */
export function mayRead(bucket: Bucket, distributionArn: string): boolean {
  const statements = isObject(bucket.policy) ? bucket.policy['Statement'] : []
  if (!Array.isArray(statements)) return false
  return statements.filter(isObject).some((statement) => {
    const principal = statement['Principal']
    return (
      statement['Effect'] === 'Allow' &&
      asList(statement['Action']).includes('s3:GetObject') &&
      isObject(principal) &&
      asList(principal['Service']).includes('cloudfront.amazonaws.com') &&
      sourceArns(statement['Condition']).includes(distributionArn)
    )
  })
}

function sourceArns(condition: unknown): readonly unknown[] {
  if (!isObject(condition)) return []
  return ['StringEquals', 'ArnEquals', 'StringLike', 'ArnLike']
    .map((operator) => condition[operator])
    .filter(isObject)
    .flatMap((keys) => asList(keys['AWS:SourceArn'] ?? keys['aws:SourceArn']))
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])
