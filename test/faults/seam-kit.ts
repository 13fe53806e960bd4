import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { seams, type Seam, type SeamName } from '../../infra/local/platform/seams.ts'
import type { Fault } from '../../infra/local/platform/types.ts'
import { waitFor } from '../support/wait.ts'
import { startSeamBench, type SeamBench } from './seam-bench.ts'

/** Which file shows what a seam does: `seams-{family}.test.ts`. */
export const families = {
  devices: ['iot.connect', 'iot.publish', 'iotdata.Publish', 'iot.action', 'iot.errorAction'],
  functions: ['kinesis.put', 'esm.deliver', 'lambda.invoke', 'lambda.async', 'events.target'],
  sockets: ['management.post', 'gateway.disconnect'],
  apis: ['dynamodb.{Operation}', 'sqs.{Operation}', 'sns.Publish', 'jwks', 'api.{service}'],
} as const satisfies Readonly<Record<string, readonly SeamName[]>>

type Family = keyof typeof families
/** One for every kind of fault that the family's seams can do. */
export type Cases<F extends Family> = {
  [S in (typeof families)[F][number]]: Record<keyof (typeof seams)[S]['kinds'], () => Promise<void>>
}

/** One that hangs has waited long enough. */
const TIMEOUT_MS = 90_000

/** The small system of this file, from its start to its end. */
export let bench: SeamBench
const open: { end(): unknown }[] = []

/** Starts the file's system, and ends with it what was opened. */
export function useSeamBench(): void {
  beforeAll(async () => {
    bench = await startSeamBench()
  })
  beforeEach(() => {
    bench.system.faults.clear()
  })
  afterAll(async () => {
    for (const one of open) one.end()
    await bench.stop()
  })
}

/** Ends something with the file's system. */
export function endLater(one: { end(): unknown }): void {
  open.push(one)
}

/** Shows of every kind of fault at the family's seams that it does what the table says. */
export function describeSeams<F extends Family>(family: F, cases: Cases<F>): void {
  useSeamBench()
  const rows = families[family].flatMap((name) =>
    Object.entries((seams[name] as Seam).kinds).map(
      ([kind, meaning]) => [name, kind, meaning] as const,
    ),
  )
  const runs: Readonly<Record<string, Readonly<Record<string, () => Promise<void>>>>> = cases
  describe('each seam does what the table says', () => {
    it.each(rows)('%s %s: %s', { timeout: TIMEOUT_MS }, async (name, kind) => {
      await runs[name]?.[kind]?.()
      expect.hasAssertions()
    })
  })
}

export const delayMs = 400
export const error = {
  kind: 'error',
  code: 'OwnException',
  message: 'Own words',
  status: 503,
} as const
export const twice = { kind: 'duplicate', times: 2 } as const

/** Injects a fault once. */
export function once(seam: string, fault: Fault, target?: string): void {
  bench.inject({ seam, fault, count: 1, ...(target !== undefined && { target }) })
}

/** The first call waits on the clock; the second, made after it, is through before it. */
export async function isDelayed(seam: string, call: () => Promise<unknown>): Promise<void> {
  once(seam, { kind: 'delay', ms: delayMs })
  let isDone = false
  const first = call().then(() => {
    isDone = true
  })
  await waitFor(() => bench.injected() === 1, `the fault at ${seam}`)
  await call()
  expect(isDone).toBe(false)
  await bench.clock.advance(delayMs)
  await first
}

/** A call that is refused with the error's own code, message and status. */
export async function refuses(seam: string, call: () => Promise<unknown>): Promise<void> {
  once(seam, error)
  await expect(call()).rejects.toMatchObject({
    name: 'OwnException',
    $metadata: { httpStatusCode: 503 },
  })
}

/** The connection is cut: the client learns nothing. */
export async function isCut(seam: string, call: () => Promise<unknown>): Promise<void> {
  once(seam, { kind: 'drop' })
  const failure: unknown = await call().catch((reason: unknown) => reason)
  expect(failure).toBeInstanceOf(Error)
  expect((failure as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode).toBe(
    undefined,
  )
  expect(bench.injected()).toBe(1)
}

export async function throttles(
  seam: string,
  name: string,
  call: () => Promise<unknown>,
): Promise<void> {
  once(seam, { kind: 'throttle' })
  await expect(call()).rejects.toMatchObject({ name })
}

/** How many more times something happened while `act` ran. */
export async function more(count: () => number | Promise<number>, act: () => Promise<unknown>) {
  const before = await count()
  await act()
  return (await count()) - before
}
export const storedMore = (act: () => Promise<unknown>) => more(() => bench.stored().length, act)
/** The mapping has brought everything that was put. */
export async function runsSettleAt(expected: number): Promise<void> {
  await bench.eventually(async () => (await bench.runs()) >= expected, `${expected} runs`)
  await bench.clock.advance(2_000)
  expect(await bench.runs()).toBe(expected)
}
/** Nothing is on its way to the function that counts. */
export async function calm(): Promise<number> {
  let seen = -1
  await bench.eventually(async () => {
    const now = await bench.runs()
    const isCalm = now === seen
    seen = now
    return isCalm
  }, 'the mapping to be calm')
  return seen
}
