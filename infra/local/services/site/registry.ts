import { StartError } from '../../platform/errors.ts'
import { propertiesOf } from '../../platform/fields.ts'
import { stableId } from '../../platform/naming.ts'
import type { Account, ResolvedResource, ResourceProvider } from '../../platform/types.ts'
import { type Bucket, bucketProperties, readBucket } from './buckets.ts'
import { type Distribution, distributionProperties, readDistribution } from './distribution.ts'
import { type AssetPath, deployedFiles } from './files.ts'
import { headersPolicyProperties, responseHeaders } from './response-headers.ts'
import type { Site } from './serve.ts'

export interface SiteRegistry {
  readonly providers: readonly ResourceProvider[]
  /** What to serve; undefined until the template's distribution is there. */
  site(): Site | undefined
}

export interface SiteRegistryOptions {
  readonly account: Account
  readonly assetPath: AssetPath
  /** Told the distribution's cloud name. */
  readonly addHost: (name: string) => void
}

interface State {
  readonly buckets: Map<string, Bucket>
  readonly headers: Map<string, Readonly<Record<string, string>>>
  distribution?: Distribution
}

/** The resource types behind a static site. */
export function createSiteRegistry(options: SiteRegistryOptions): SiteRegistry {
  const state: State = { buckets: new Map(), headers: new Map() }
  const id = (resource: ResolvedResource, length: number): string =>
    stableId(`${options.account.stackName}/${resource.logicalId}`, length)
  return {
    providers: [
      bucketProvider(state, options.account),
      rewritable(bucketPolicyProvider(state)),
      rewritable(deploymentProvider(state, options.assetPath)),
      rewritable(headersPolicyProvider(state, (resource) => id(resource, 32).toLowerCase())),
      {
        type: 'AWS::CloudFront::OriginAccessControl',
        // Always there, always signing, when the distribution names it.
        properties: { OriginAccessControlConfig: 'inert' },
        create(resource) {
          const ref = `E${id(resource, 13)}`
          return { ref, attributes: { Id: ref } }
        },
      },
      distributionProvider(state, options, (resource) => `E${id(resource, 13)}`),
    ],
    site() {
      const { distribution } = state
      if (!distribution) return undefined
      const bucket = [...state.buckets.values()].find(
        ({ domain }) => domain === distribution.bucketDomain,
      )
      const headers = state.headers.get(distribution.headersPolicyId ?? '') ?? {}
      return bucket && { distribution, bucket, headers }
    },
  }
}

/** Creating it again puts the same entry in the place of the old one; files of an older deployment stay, as a page may still ask for them. */
const rewritable = (provider: ResourceProvider): ResourceProvider => ({
  ...provider,
  update: (resource) => provider.create(resource),
})

function bucketProvider({ buckets }: State, account: Account): ResourceProvider {
  return {
    type: 'AWS::S3::Bucket',
    properties: bucketProperties,
    create(resource) {
      const bucket = readBucket(resource, account)
      buckets.set(bucket.name, bucket)
      return {
        ref: bucket.name,
        attributes: {
          Arn: `arn:aws:s3:::${bucket.name}`,
          DomainName: `${bucket.name}.s3.amazonaws.com`,
          RegionalDomainName: bucket.domain,
        },
      }
    },
    delete(resource) {
      buckets.delete(readBucket(resource, account).name)
    },
  }
}

function bucketPolicyProvider(state: State): ResourceProvider {
  return {
    type: 'AWS::S3::BucketPolicy',
    properties: { Bucket: 'used', PolicyDocument: 'used' },
    create(resource) {
      const properties = propertiesOf(resource)
      const bucket = findBucket(state, resource, properties.text('Bucket'))
      bucket.policy = properties.value('PolicyDocument')
      return { ref: `${bucket.name}-policy` }
    },
  }
}

function deploymentProvider(state: State, assetPath: AssetPath): ResourceProvider {
  return {
    type: 'Custom::CDKBucketDeployment',
    properties: {
      DestinationBucketName: 'used',
      SourceObjectKeys: 'used',
      SourceMarkers: 'used',
      SourceMarkersConfig: 'used',
      SystemMetadata: { 'cache-control': 'used' },
      Exclude: 'used',
      Include: 'used',
      // Assets are taken from cdk.out, not from the bootstrap bucket, and not by the CDK's Python function.
      ServiceToken: 'inert',
      SourceBucketNames: 'inert',
      OutputObjectKeys: 'inert',
      // Nothing is cached in front of the files; every start begins with an empty bucket.
      DistributionId: 'inert',
      DistributionPaths: 'inert',
      WaitForDistributionInvalidation: 'inert',
      Prune: 'inert',
    },
    async create(resource) {
      const name = propertiesOf(resource).text('DestinationBucketName')
      const bucket = findBucket(state, resource, name)
      for (const [key, file] of await deployedFiles(resource, assetPath))
        bucket.files.set(key, file)
      return {
        ref: `aws.cdk.s3deployment.${resource.logicalId}`,
        attributes: { DestinationBucketArn: `arn:aws:s3:::${name}` },
      }
    },
  }
}

function headersPolicyProvider(
  { headers }: State,
  idOf: (resource: ResolvedResource) => string,
): ResourceProvider {
  return {
    type: 'AWS::CloudFront::ResponseHeadersPolicy',
    properties: headersPolicyProperties,
    create(resource) {
      const ref = idOf(resource)
      headers.set(ref, responseHeaders(resource))
      return { ref, attributes: { Id: ref } }
    },
  }
}

function distributionProvider(
  state: State,
  { account, addHost }: SiteRegistryOptions,
  idOf: (resource: ResolvedResource) => string,
): ResourceProvider {
  return {
    type: 'AWS::CloudFront::Distribution',
    properties: distributionProperties,
    create(resource) {
      const id = idOf(resource)
      if (state.distribution)
        throw new StartError(
          'SITE_ONE_DISTRIBUTION',
          `${resource.logicalId}: one distribution is emulated, and ${state.distribution.id} is already there. Remove one from the template.`,
        )
      const arn = `arn:aws:cloudfront::${account.accountId}:distribution/${id}`
      state.distribution = readDistribution(resource, { id, arn })
      const domain = `d${id.slice(1).toLowerCase()}.cloudfront.net`
      addHost(domain)
      return { ref: id, attributes: { Id: id, DomainName: domain } }
    },
    delete() {
      delete state.distribution
    },
  }
}

function findBucket({ buckets }: State, resource: ResolvedResource, name: string): Bucket {
  const bucket = buckets.get(name)
  if (bucket) return bucket
  throw new StartError(
    'SITE_BUCKET',
    `${resource.logicalId}: the bucket ${name} is not in the template.`,
  )
}
