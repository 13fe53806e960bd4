import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { boolean, ConfigError, type Context, integer, show } from './config-values.ts'
import {
  type ExternalSignIn,
  otherDashboards,
  otherRegions,
  type RegionAddress,
  signIn,
} from './region-config.ts'

/** What a deployer may choose. Every value has a default that is right for a first deployment. */
export interface Config {
  /** WebSocket stage; part of the address. */
  readonly stageName: string
  /** How long readings, rejects and notes are kept. */
  readonly retentionHours: number
  readonly logRetentionDays: RetentionDays
  /** Who is told of alarms. Absent: alarms are shown on the dashboard only. */
  readonly alarmEmail?: string
  /** Stage throttle: messages and connects per second, and the bucket's size. */
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number }
  readonly ingest: IngestConfig
  /** Devices are told how many watch them, so that they may send less often while nobody does. A message per change. */
  readonly demandMessages: boolean
  /** Keep tables, users and the site's bucket when the stack is deleted. */
  readonly retainData: boolean
  /** Prefix of the sign-in page's domain, unique in its region. Absent: `gaugeline-<account>`. */
  readonly signInDomainPrefix?: string
  /** Everybody must set up a second factor (TOTP) at the first sign-in. */
  readonly requireMfa: boolean
  /** The stack sets the role with which API Gateway writes logs, one for all APIs of the account and region. */
  readonly manageApiLogRole: boolean
  /** Who says who people are, when it is not a user pool of this stack. */
  readonly signIn?: ExternalSignIn
  /** The same system elsewhere, for the dashboard's choice of region. */
  readonly otherRegions: readonly RegionAddress[]
  /** Origins of dashboards elsewhere that may open sockets here and let people sign in here. */
  readonly otherDashboards: readonly string[]
  /** US dollars a month that the account is expected to stay below. Absent: no budget. */
  readonly monthlyBudgetUsd?: number
  /** Directory of the built dashboard. */
  readonly dashboardAssets: string
}

/** Bounds of AWS::Lambda::EventSourceMapping for Kinesis and of a provisioned stream. */
export interface IngestConfig {
  readonly shards: number
  readonly batchSize: number
  readonly parallelization: number
  readonly maxRecordAgeSeconds: number
  readonly retryAttempts: number
}

/** Account quota of API Gateway, requests per second and burst, shared by all APIs of a region (APIGW-97). */
const ACCOUNT_THROTTLE = { ratePerSecond: 10_000, burst: 5_000 }
/** At most 13 months; longer, or for ever, is a bill nobody decided on (CONFIG-4). */
const LOG_RETENTION_DAYS: readonly RetentionDays[] = [
  RetentionDays.ONE_DAY,
  RetentionDays.THREE_DAYS,
  RetentionDays.ONE_WEEK,
  RetentionDays.TWO_WEEKS,
  RetentionDays.ONE_MONTH,
  RetentionDays.TWO_MONTHS,
  RetentionDays.THREE_MONTHS,
  RetentionDays.SIX_MONTHS,
  RetentionDays.ONE_YEAR,
  RetentionDays.THIRTEEN_MONTHS,
]

/**
 * Parses the CDK context (`-c name=value`, `cdk.json`) into a typed configuration. Values from the command line are text and are
 * read strictly: `"false"` is false, `"ten"` is an error (CONFIG-1–CONFIG-18). Throws {@link ConfigError}.
 */
export function parseConfig(context: Context): Config {
  const alarmEmail = email(context('alarmEmail'))
  const signInDomainPrefix = domainPrefix(context('signInDomainPrefix'))
  const external = signIn(context)
  const monthlyBudgetUsd = budget(context, alarmEmail)
  return {
    stageName: stageName(context('stageName') ?? 'prod'),
    retentionHours: integer(context, 'retentionHours', { default: 24, min: 1, max: 365 * 24 }),
    logRetentionDays: logRetention(context),
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
    throttle: throttle(context),
    ingest: ingest(context),
    demandMessages: boolean(context, 'demandMessages', false),
    retainData: boolean(context, 'retainData', true),
    requireMfa: boolean(context, 'requireMfa', false),
    manageApiLogRole: boolean(context, 'manageApiLogRole', true),
    ...(signInDomainPrefix === undefined ? {} : { signInDomainPrefix }),
    ...(external === undefined ? {} : { signIn: external }),
    otherRegions: otherRegions(context('otherRegions')),
    otherDashboards: otherDashboards(context('otherDashboards')),
    ...(monthlyBudgetUsd === undefined ? {} : { monthlyBudgetUsd }),
    dashboardAssets: dashboardAssets(context('dashboardAssets')),
  }
}

function stageName(value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(value)) return value
  throw new ConfigError(
    `stageName ${show(value)} is not a stage name: letters, digits, - and _, at most 128 (for example -c stageName=prod).`,
  )
}

function throttle(context: Context): Config['throttle'] {
  const ratePerSecond = integer(context, 'throttleRate', {
    default: 1_000,
    min: 1,
    max: ACCOUNT_THROTTLE.ratePerSecond,
  })
  const burst = integer(context, 'throttleBurst', {
    default: 500,
    min: 1,
    max: ACCOUNT_THROTTLE.burst,
  })
  if (burst <= ratePerSecond * 5) return { ratePerSecond, burst }
  throw new ConfigError(
    `throttleBurst ${burst} is more than five seconds of throttleRate ${ratePerSecond}: a bucket that large never refills. Lower the burst or raise the rate.`,
  )
}

function ingest(context: Context): IngestConfig {
  return {
    shards: integer(context, 'shards', { default: 1, min: 1, max: 200 }),
    batchSize: integer(context, 'batchSize', { default: 500, min: 1, max: 10_000 }),
    parallelization: integer(context, 'parallelization', { default: 1, min: 1, max: 1 }),
    maxRecordAgeSeconds: integer(context, 'maxRecordAgeSeconds', {
      // Trouble of the infrastructure is waited for, in order; the stream keeps 24 h, so that redrive still finds what was given up.
      default: 6 * 3_600,
      min: 60,
      max: 43_200,
    }),
    // A bad payload never fails a batch, so what fails is the infrastructure: some minutes of it (AWS pauses between attempts) cost order
    // nothing. A record that fails for another reason must not block its shard for good.
    retryAttempts: integer(context, 'retryAttempts', { default: 50, min: 0, max: 10_000 }),
  }
}

function logRetention(context: Context): RetentionDays {
  const days = integer(context, 'logRetentionDays', { default: 30, min: 1, max: 400 })
  const offered = LOG_RETENTION_DAYS.find((choice): boolean => (choice as number) === days)
  if (offered !== undefined) return offered
  throw new ConfigError(
    `logRetentionDays ${days} is not offered: choose one of ${LOG_RETENTION_DAYS.join(', ')}.`,
  )
}

function email(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) return value
  throw new ConfigError(
    `alarmEmail ${show(value)} is not an e-mail address: alarms would notify nobody. Use -c alarmEmail=name@example.com.`,
  )
}

/** A budget that tells nobody is none. */
function budget(context: Context, alarmEmail: string | undefined): number | undefined {
  if (context('monthlyBudgetUsd') === undefined) return undefined
  if (alarmEmail === undefined) {
    throw new ConfigError(
      'monthlyBudgetUsd is set, but nobody would be told: give -c alarmEmail=name@example.com too.',
    )
  }
  return integer(context, 'monthlyBudgetUsd', { default: 0, min: 1, max: 1_000_000 })
}

function domainPrefix(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const valid = typeof value === 'string' && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)
  if (valid && !/aws|amazon|cognito/.test(value)) return value
  throw new ConfigError(
    `signInDomainPrefix ${show(value)} is refused by Cognito: lower-case letters, digits and inner hyphens, at most 63, without "aws", "amazon" or "cognito".`,
  )
}

function dashboardAssets(value: unknown): string {
  const path = value ?? fileURLToPath(new URL('../../dashboard/dist', import.meta.url))
  if (typeof path === 'string' && existsSync(`${path}/index.html`)) return path
  throw new ConfigError(
    `The dashboard is not built: ${show(path)} has no index.html. Run: npm run build -w dashboard`,
  )
}
