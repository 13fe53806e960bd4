import { createHistogram } from 'node:perf_hooks'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Figures } from '../metrics/figures.ts'
import { Tally } from '../metrics/tally.ts'
import type { RunResult } from '../run/run-scenario.ts'
import { parseScenario } from '../scenario/load.ts'
import { compileThresholds } from '../thresholds/thresholds.ts'
import { buildReport } from './build-report.ts'
import { reportText } from './report-text.ts'
import { reportSchema, type LoadReport } from './schema.ts'

/** A run of 100 readings that took from 1 to 100 ms; one attempt of four to connect failed. */
function tallyOf(): Tally {
  const tally = new Tally()
  for (let ms = 1; ms <= 100; ms++) {
    tally.due++
    tally.lagged(2)
    tally.acked(0, ms / 2, ms)
  }
  for (let index = 0; index < 3; index++) tally.connected(10)
  tally.failed('CONNACK 3, server unavailable')
  return tally
}

function report(
  change: Partial<RunResult> = {},
  {
    thresholds = 'ack.latency: p(95)<250ms',
    rest = 'duration: 60s',
    figures = {},
  }: { thresholds?: string; rest?: string; figures?: Figures } = {},
): LoadReport {
  const scenario = parseScenario(
    `version: 1
name: small
fleets: { a: { profile: pump, site: p, count: 3, id: 'a-{index}' } }
${rest}
thresholds: { ${thresholds} }`,
    'x.yaml',
  )
  const compiled = compileThresholds(scenario.thresholds, { hasVerify: true })
  if ('problem' in compiled) throw new Error(compiled.problem.message)
  const tally = tallyOf()
  const result: RunResult = {
    ending: 'completed',
    startedMs: Date.UTC(2026, 10, 26),
    seconds: 60,
    figures: { ...tally.figures({ buffered: 0, seconds: 60 }), ...figures },
    connects: tally.connects,
    failures: tally.failures,
    commands: 0,
    observed: undefined,
    labels: [],
    resources: {
      cpuSeconds: 6,
      cpuPercent: 10,
      peakMemoryBytes: 100 * 2 ** 20,
      memoryBytesPerDevice: 50_000,
      processors: 2,
      node: 'v20.20.2',
    },
    peakDevices: 3,
    ...change,
  }
  const { thresholds: compiledThresholds } = compiled
  const command = 'npm run simulate -- run x.yaml --seed 42 --mqtt mqtt://h:1'
  return buildReport(result, {
    scenario,
    thresholds: compiledThresholds,
    target: 'mqtt://h:1',
    command,
  })
}

const slow = createHistogram()
for (let index = 0; index < 100; index++) slow.record(450)
const tooSlow: Figures = { 'schedule.lag': { kind: 'latency', latencies: slow } }

describe('the verdict', () => {
  it('is PASS when every threshold holds', () => {
    expect(report()).toMatchObject({ verdict: 'PASS', exitCode: 0, reason: '1 threshold held' })
  })

  it('is FAIL, exit code 99, when one does not, and names its metric', () => {
    const thresholds = 'ack.latency: [p(95)<250ms, p(99)<50ms], connect.success: rate>0.5'
    expect(report({}, { thresholds })).toMatchObject({
      verdict: 'FAIL',
      exitCode: 99,
      reason: '1 of 3 thresholds broken: ack.latency',
      thresholds: [{ isMet: true }, { isMet: false, actual: 99 }, { isMet: true, actual: 0.75 }],
    })
  })

  it('is INVALID, exit code 98, when the generator was too slow, whatever the thresholds say', () => {
    for (const thresholds of ['ack.latency: p(95)<250ms', 'ack.latency: p(95)<1ms']) {
      const { verdict, exitCode, reason } = report({}, { thresholds, figures: tooSlow })
      expect([verdict, exitCode]).toEqual(['INVALID', 98])
      expect(reason).toContain('schedule.lag p(99) is 450 ms, the limit is 100 ms')
    }
  })

  it("is by the scenario's own limit of lag", () => {
    const rest = 'duration: 60s\ngenerator: { maxLag: 1s }'
    expect(report({}, { figures: tooSlow, rest }).verdict).toBe('PASS')
  })

  it('is INTERRUPTED, exit code 130, before the planned end; without one, stopping is the end', () => {
    const stopped = { ending: 'interrupted', seconds: 12 } as const
    expect(report(stopped)).toMatchObject({
      verdict: 'INTERRUPTED',
      exitCode: 130,
      reason: 'stopped after 12 s of 1 min',
    })
    expect(report(stopped, { rest: '' })).toMatchObject({ verdict: 'PASS', exitCode: 0 })
  })

  it('is UNREACHABLE, exit code 3, when nothing ever connected, with the broker and the cause', () => {
    const failures = new Map([
      ['ETIMEDOUT', 1],
      ['ECONNREFUSED', 4],
    ])
    expect(report({ ending: 'unreachable', connects: 0, failures })).toMatchObject({
      verdict: 'UNREACHABLE',
      exitCode: 3,
      reason: 'nothing could connect to mqtt://h:1: ECONNREFUSED; start it, or correct --mqtt',
    })
  })

  it('says that nothing was asked for when there are no thresholds', () => {
    expect(report({}, { thresholds: '' }).reason).toContain('no thresholds')
  })
})

describe('the account', () => {
  it('balances: due = acknowledged + dropped + buffered + missing', () => {
    const tally = tallyOf()
    tally.due += 10
    tally.dropped += 3
    const figures = tally.figures({ buffered: 5, seconds: 60 })
    expect(report({ figures }).accounting).toEqual({
      due: 110,
      acknowledged: 100,
      dropped: 3,
      buffered: 5,
      missing: 2,
    })
  })

  it('counts latencies from the instant a reading was due, and beside it from its sending', () => {
    const { latencies } = report()
    expect(latencies['ack.latency']).toMatchObject({ count: 100, p50Ms: 50, p99Ms: 99, maxMs: 100 })
    expect(latencies['ack.wire']).toMatchObject({ p50Ms: 25, maxMs: 50 })
  })
})

describe('the report', () => {
  it('is what its schema says', () => {
    const labels = ['a-1', 'a-2'].map((device) => ({
      kind: 'blackout',
      site: 'p',
      device,
      startMs: 1,
      endMs: 2,
      effects: 1,
    }))
    const full = report({ labels, observed: 40 })
    expect(v.parse(reportSchema, JSON.parse(JSON.stringify(full)))).toEqual(full)
    expect(full.faults).toEqual([{ kind: 'blackout', devices: 2, effects: 2 }])
  })

  it('begins with the verdict, marks each threshold and ends with the command that repeats it', () => {
    const thresholds = 'ack.latency: p(99)<50ms, messages.missing: count==0, ack.wire: max<1s'
    const text = reportText(report({}, { thresholds }))
    const lines = text.trimEnd().split('\n')
    expect(lines[0]).toBe('FAIL  small: 1 of 3 thresholds broken: ack.latency')
    expect(lines.slice(2, 5)).toEqual([
      '✗ ack.latency       p(99)<50ms  99 ms',
      '✓ messages.missing  count==0    0',
      '✓ ack.wire          max<1s      50 ms',
    ])
    expect(text).toContain('100 due = 100 acknowledged + 0 dropped + 0 buffered + 0 missing')
    expect(text).toContain('1 failed: CONNACK 3, server unavailable')
    expect(lines.at(-1)).toBe(
      'repeat     npm run simulate -- run x.yaml --seed 42 --mqtt mqtt://h:1',
    )
  })

  it('says that latencies are void when the generator was too slow', () => {
    expect(reportText(report({}, { figures: tooSlow }))).toContain('is void')
  })
})
