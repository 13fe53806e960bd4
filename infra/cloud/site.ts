import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HttpVersion,
  PriceClass,
  S3OriginAccessControl,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront'
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins'
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3'
import { BucketDeployment, CacheControl, Source } from 'aws-cdk-lib/aws-s3-deployment'
import { Construct } from 'constructs'
import type { Foundation } from './foundation.ts'
import type { RegionAddress } from './region-config.ts'
import type { DeclaredMetrics } from './declared-metrics.ts'
import { nameInAccount } from './name-in-account.ts'
import { securityHeaders } from './site-headers.ts'

export interface SiteProps {
  readonly foundation: Foundation
  /** Origins the page may talk to: the WebSocket API, the issuer, the sign-in domain. */
  readonly connectOrigins: readonly string[]
}

/** What the dashboard reads at start from `/config.json`. */
export interface DashboardConfig {
  readonly websocket: string
  /** Where else the system runs; absent when nowhere. */
  readonly otherRegions?: readonly RegionAddress[]
  /** Names and units of metrics. */
  readonly metrics: readonly DeclaredMetrics[]
  readonly issuer: string
  readonly clientId: string
  readonly region: string
  readonly version: string
}

/** The dashboard's home: a private bucket behind CloudFront. */
export class Site extends Construct {
  /** `https://…`, no trailing slash. */
  readonly origin: string
  readonly #bucket: IBucket
  readonly #distribution: Distribution
  readonly #assets: BucketDeployment

  constructor(scope: Construct, id: string, { foundation, connectOrigins }: SiteProps) {
    super(scope, id)
    this.#bucket = new Bucket(this, 'Files', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      // Files come from the build, so nothing is lost; a bucket with files cannot be deleted, and stays.
      removalPolicy: RemovalPolicy.RETAIN,
      // CDK's own class and interface disagree under exactOptionalPropertyTypes.
    }) as IBucket
    this.#distribution = new Distribution(this, 'Distribution', {
      comment: `${Stack.of(this).stackName} dashboard`,
      defaultRootObject: 'index.html',
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(this.#bucket, {
          originAccessControl: new S3OriginAccessControl(this, 'Access', {
            originAccessControlName: nameInAccount(this),
          }),
        }),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        compress: true,
        responseHeadersPolicy: securityHeaders(this, connectOrigins),
      },
      // A private bucket answers 403 for what it does not have; the page itself knows its paths.
      errorResponses: [403, 404].map((httpStatus) => ({
        httpStatus,
        responseHttpStatus: 200,
        responsePagePath: '/index.html',
        ttl: Duration.seconds(0),
      })),
    })
    this.origin = `https://${this.#distribution.distributionDomainName}`
    this.#assets = this.#deployFiles(foundation)
  }

  /** Files whose name holds their hash never change: kept for a year, and old ones stay for pages still open. */
  #deployFiles({ config }: Foundation): BucketDeployment {
    return new BucketDeployment(this, 'Assets', {
      destinationBucket: this.#bucket,
      sources: [Source.asset(config.dashboardAssets)],
      exclude: ['*'],
      include: ['assets/*'],
      prune: false,
      cacheControl: [CacheControl.fromString('public, max-age=31536000, immutable')],
    })
  }

  /** The page and its configuration, asked for again each time; created when CloudFront is ready, minutes after the rest. */
  deployPage(foundation: Foundation, dashboard: DashboardConfig): Construct {
    const page = new BucketDeployment(this, 'Page', {
      destinationBucket: this.#bucket,
      sources: [
        Source.asset(foundation.config.dashboardAssets),
        Source.jsonData('config.json', dashboard),
      ],
      exclude: ['assets/*'],
      prune: false,
      cacheControl: [CacheControl.noCache()],
      distribution: this.#distribution,
      distributionPaths: ['/*'],
      // The page says `no-cache`; CloudFront's own slowness must not roll a deployment back (aws-cdk #15891).
      waitForDistributionInvalidation: false,
    })
    // A page must not name assets that are not there yet.
    page.node.addDependency(this.#assets)
    return page
  }
}
