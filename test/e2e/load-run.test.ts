import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FaultLabel } from '../../simulator/src/faults/fault-run.ts'
import { reportSchema, type LoadReport } from '../../simulator/src/report/schema.ts'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'gaugeline-load-'))
let system: SharedSystem
let running: ChildProcess | undefined

beforeAll(async () => {
  system = await sharedSystem()
})
afterEach(() => running?.kill('SIGKILL'))
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
})

/** Half of the devices leave and come back, links are cut; on a busy machine the generator may lag without being called invalid. */
const scenario = (rest: string): string => `version: 1
name: small
fleets: { pumps: { profile: pump, site: load, count: 10, id: 'load-{index}', interval: 250ms } }
stages:
  - { name: up, duration: 2s, devices: { to: 10 } }
  - { name: half, duration: 3s, devices: 5 }
  - { name: back, duration: 3s, devices: 100%, rate: 2x }
faults:
  - { at: 1s, kind: stuck, device: load-1, channel: flow, duration: 1s, magnitude: 5 }
  - { at: 3500ms, kind: reconnect-storm, fleet: pumps, fraction: 0.4 }
verify: { sample: 100% }
${rest}
`
const patient = 'generator: { maxLag: 60s }'

function simulate(name: string, text: string, ...flags: string[]) {
  const file = join(directory, name)
  writeFileSync(file, text)
  const args = ['run', file, '--state-dir', system.stateDir, ...flags]
  const child = spawn(process.execPath, ['simulator/bin/simulate.mjs', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running = child
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString('utf8')))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, said, ended }
}

const read = (text: string): LoadReport => v.parse(reportSchema, JSON.parse(text))

describe('a load run against the running system', () => {
  it('passes when its thresholds hold: every acknowledged reading reached the subscriber', async () => {
    const truth = join(directory, 'truth.ndjson')
    const thresholds = `thresholds:
  messages.missing: count==0
  messages.buffered: count==0
  messages.dropped: count==0
  e2e.missing: count==0
  ack.latency: max<60s`
    const run = simulate(
      'passes.yaml',
      scenario(`${patient}\n${thresholds}`),
      '--json',
      '--truth',
      truth,
    )
    const code = await run.ended
    const report = read(run.said.out)
    expect(report).toMatchObject({ verdict: 'PASS', exitCode: 0 })
    // Those of the file, and the three of every run that it says nothing about.
    expect(report.thresholds).toHaveLength(8)
    expect(code).toBe(0)
    const { due, acknowledged, missing } = report.accounting
    expect(due).toBe(acknowledged + missing)
    expect(report.verify).toMatchObject({ acknowledged, missing: 0 })
    expect(report.latencies['e2e.latency']?.count).toBe(acknowledged)
    const labels = readFileSync(truth, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as FaultLabel)
    expect(labels.filter(({ kind }) => kind === 'reconnect-storm')).toHaveLength(4)
    expect(report.faults).toContainEqual(
      expect.objectContaining({ kind: 'reconnect-storm', devices: 4 }),
    )
    const stuck = labels.find(({ kind }) => kind === 'stuck')
    expect(stuck).toMatchObject({ site: 'load', device: 'load-1', channel: 'flow', magnitude: 5 })
    expect(stuck?.effects).toBeGreaterThan(0)
  })

  it('a device that leaves and comes back counts on under the same boot, without a hole', async () => {
    const token = await requestToken(system, { user: 'looker', devices: ['load/#'] })
    const client = await ProtocolClient.connect(system.endpoints.websocket, token)
    const subscriptions = [{ sid: 1, topic: 'load/load-9' }]
    await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    const run = simulate('back.yaml', scenario(patient), '--json')
    expect(await run.ended, run.said.err).toBeOneOf([0, 99])
    const seen = client
      .messages('data')
      .flatMap(({ blocks }) => blocks)
      .flatMap(({ boot, n = [], ts }) =>
        n.map((counter, index) => ({ boot, counter, ts: ts[index] ?? 0 })),
      )
    await client.close()
    expect(new Set(seen.map(({ boot }) => boot)).size).toBe(1)
    const counters = [...new Set(seen.map(({ counter }) => counter))]
    // It counts from the start of the run on, and joins in its second second.
    expect(counters).toEqual(counters.map((_, index) => (counters[0] ?? 0) + index))
    // It was away for the stage between.
    const gaps = seen.slice(1).map(({ ts }, index) => ts - (seen[index]?.ts ?? ts))
    expect(Math.max(...gaps)).toBeGreaterThan(2_000)
  })

  it('ends with exit code 99 when a threshold does not hold, at once when it is told to', async () => {
    const broken = `thresholds: { ack.latency: { expr: max<0ms, abortOnFail: true } }`
    const run = simulate('fails.yaml', scenario(`${patient}\n${broken}`))
    const endedWith = await run.ended
    expect(endedWith, run.said.err).toBe(99)
    expect(run.said.out).toContain(
      'FAIL  small: 1 of 6 thresholds broken: ack.latency, ended early',
    )
    expect(run.said.out).toMatch(/✗ ack.latency +max<0ms/)
    expect(run.said.err.trimEnd().split('\n').at(-1)).toContain('simulate: FAIL')
  })

  it('is INVALID with exit code 98 when the generator is later than its limit', async () => {
    const run = simulate('late.yaml', scenario('generator: { maxLag: 1ms }'), '--json')
    expect(await run.ended).toBe(98)
    expect(read(run.said.out)).toMatchObject({ verdict: 'INVALID', exitCode: 98 })
  })

  it('that Ctrl-C stops early says goodbye and reports, with exit code 130', async () => {
    const run = simulate('stopped.yaml', scenario(patient), '--json')
    await waitFor(() => run.said.err.includes('readings/s, seed 42'), 'the run to start')
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(130)
    const { verdict, accounting } = read(run.said.out)
    expect(verdict).toBe('INTERRUPTED')
    expect(accounting.missing).toBe(0)
  })
})
