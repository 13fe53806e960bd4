import { propertiesOf } from '../../platform/fields.ts'
import type { PropertySpec, ResolvedResource } from '../../platform/types.ts'

export const distributionProperties: { readonly [name: string]: PropertySpec } = {
  DistributionConfig: {
    Enabled: 'used',
    DefaultRootObject: 'used',
    DefaultCacheBehavior: {
      TargetOriginId: 'used',
      ResponseHeadersPolicyId: 'used',
      AllowedMethods: 'used',
      // One hop on loopback: nothing to cache, to compress or to encrypt.
      CachePolicyId: 'inert',
      Compress: 'inert',
      ViewerProtocolPolicy: 'inert',
    },
    CustomErrorResponses: [
      {
        ErrorCode: 'used',
        ResponseCode: 'used',
        ResponsePagePath: 'used',
        // Errors are not cached here.
        ErrorCachingMinTTL: 'inert',
      },
    ],
    Origins: [
      {
        Id: 'used',
        DomainName: 'used',
        OriginAccessControlId: 'used',
        // Empty with an origin access control.
        S3OriginConfig: 'inert',
      },
    ],
    Comment: 'inert',
    HttpVersion: 'inert',
    IPV6Enabled: 'inert',
    PriceClass: 'inert',
  },
  Tags: 'inert',
}

/** What the distribution does with a request. */
export interface Distribution {
  readonly id: string
  readonly arn: string
  readonly enabled: boolean
  readonly rootObject: string
  readonly methods: readonly string[]
  readonly headersPolicyId: string | undefined
  /** Regional domain name of the bucket behind it. */
  readonly bucketDomain: string | undefined
  /** It signs its requests to the bucket. */
  readonly signsRequests: boolean
  /** Status from the bucket → what the viewer gets instead. */
  readonly errorPages: ReadonlyMap<number, { readonly status: number; readonly path: string }>
}

export function readDistribution(
  resource: ResolvedResource,
  identity: { readonly id: string; readonly arn: string },
): Distribution {
  const config = propertiesOf(resource).nested('DistributionConfig')
  const behavior = config?.nested('DefaultCacheBehavior')
  const target = behavior?.text('TargetOriginId')
  const origin = config?.nestedList('Origins').find((candidate) => candidate.text('Id') === target)
  const errorPages = (config?.nestedList('CustomErrorResponses') ?? []).map((page) => {
    const code = page.integer('ErrorCode')
    return [
      code,
      {
        status: page.optionalInteger('ResponseCode') ?? code,
        path: page.text('ResponsePagePath'),
      },
    ] as const
  })
  return {
    ...identity,
    enabled: config?.optionalBoolean('Enabled') ?? false,
    rootObject: config?.optionalText('DefaultRootObject') ?? '',
    methods: behavior?.texts('AllowedMethods') ?? [],
    headersPolicyId: behavior?.optionalText('ResponseHeadersPolicyId'),
    bucketDomain: origin?.text('DomainName'),
    signsRequests: origin?.has('OriginAccessControlId') ?? false,
    errorPages: new Map(errorPages),
  }
}
