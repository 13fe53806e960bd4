import { readFileSync } from 'node:fs'
import { describe, inject, it } from 'vitest'
import type {} from './fixture/target-setup.ts'

/**
 * A deployed fixture stack: what the suites run against when `GAUGELINE_CONFORMANCE` names its file, or that `fixture/target-setup.ts` started in a
 * process of its own.
 */
export interface Target {
  readonly region: string
  readonly account: string
  readonly stackName: string
  /** Keys to sign with; absent = whatever AWS's clients find (`AWS_PROFILE`, environment, instance role). */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  /** Absent = AWS's own. `websocket` and `management` include the stage. */
  readonly endpoints: {
    readonly aws?: string
    readonly websocket?: string
    readonly management?: string
  }
  /** Logical id → name, of the resources of `fixture/template.json`. */
  readonly tables: Readonly<Record<string, string>>
  readonly streams: Readonly<Record<string, string>>
  readonly functions: Readonly<Record<string, string>>
  /** Logical id → URL. */
  readonly queues: Readonly<Record<string, string>>
  /** Logical id → ARN. */
  readonly topics: Readonly<Record<string, string>>
  /** Logical id → API id. */
  readonly apis: Readonly<Record<string, string>>
}

/**
 * Undefined = the suites start the services that they need in their own process. With a target only the suites `*.target.test.ts` run; what
 * those of their tests that {@link itLocal} marks need no account has.
 */
export const target: Target | undefined =
  readTarget(process.env['GAUGELINE_CONFORMANCE']) ?? inject('conformanceTarget')

/** Begins the names of everything that a run writes, so that two runs on one account do not meet. */
export const runId = `run${Date.now().toString(36)}`

/** What an SDK client needs to reach the target. */
export function targetClient({ region, credentials, endpoints }: Target): {
  readonly region: string
  readonly maxAttempts: number
  readonly endpoint?: string
  readonly credentials?: NonNullable<Target['credentials']>
} {
  return {
    region,
    maxAttempts: 3,
    ...(endpoints.aws === undefined ? {} : { endpoint: endpoints.aws }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}

/** The name behind a logical id. Throws TypeError naming the ids that the target has. */
export function named(names: Readonly<Record<string, string>>, logicalId: string): string {
  const name = names[logicalId]
  if (name !== undefined) return name
  const known = Object.keys(names).join(', ')
  throw new TypeError(`The target has no ${logicalId}, only ${known}: deploy the fixture again`)
}

/**
 * Why a test cannot run on a real account: it moves the clock, asks for a fault, looks at what no API shows (a fake port, a counter, a caller
 * whose permissions it changes), or asks what only one machine refuses.
 */
export type LocalReason = 'clock' | 'fault' | 'internals' | 'not emulated'

/** A test of the local services only; `docs/conformance.md` shows the reason, which it reads from the title. */
export function itLocal(reason: LocalReason, title: string, test: () => unknown): void {
  it.skipIf(target)(`${title} [local only: ${reason}]`, async () => {
    await test()
  })
}

/** {@link itLocal} for every test inside. */
export function describeLocal(reason: LocalReason, title: string, tests: () => void): void {
  describe.skipIf(target)(`${title} [local only: ${reason}]`, tests)
}

function readTarget(file: string | undefined): Target | undefined {
  if (file === undefined || file === '') return undefined
  return JSON.parse(readFileSync(file, 'utf8')) as Target
}
