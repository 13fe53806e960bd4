import { createHistogram } from 'node:perf_hooks'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Figures } from '../metrics/figures.ts'
import { Tally } from '../metrics/tally.ts'
import type { RunResult } from '../run/run-scenario.ts'
import { parseScenario } from '../scenario/load.ts'
import { defaultThresholds } from '../thresholds/default-thresholds.ts'
import { compileThresholds } from '../thresholds/thresholds.ts'
import { buildReport } from './build-report.ts'
import { reportText } from './report-text.ts'
import { reportSchema, type LoadReport } from './schema.ts'

/** A run of 100 readings that took from 1 to 100 ms; one attempt of four to connect failed. */
function tallyOf(): Tally {
  const tally = new Tally()
  tally.planned = 100
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
    hasDefaults = false,
  }: { thresholds?: string; rest?: string; figures?: Figures; hasDefaults?: boolean } = {},
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
    figures: { ...tally.figures({ waitingMs: [], seconds: 60, isOver: true }), ...figures },
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
  const defaults = defaultThresholds(scenario.thresholds, { hasVerify: false }).filter(
    // One attempt of four failed here; that is not what is looked at.
    ({ metric }) => metric !== 'connect.success',
  )
  const compiledThresholds = [...compiled.thresholds, ...(hasDefaults ? defaults : [])]
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

  it('is INVALID when the generator stood still for long, however good its percentiles are', () => {
    const stalled = createHistogram()
    for (let index = 0; index < 10_000; index++) stalled.record(1)
    stalled.record(5_000)
    const figures: Figures = { 'schedule.lag': { kind: 'latency', latencies: stalled } }
    expect(report({}, { figures })).toMatchObject({ verdict: 'INVALID', exitCode: 98 })
    expect(report({}, { figures }).reason).toContain('schedule.lag max is 5 s')
  })

  it('is INVALID, not FAIL, when a threshold is broken by the lateness of the generator itself', () => {
    const lag = createHistogram()
    for (let index = 0; index < 100; index++) lag.record(index < 98 ? 1 : 60)
    const figures: Figures = { 'schedule.lag': { kind: 'latency', latencies: lag } }
    const own = report({}, { thresholds: 'ack.latency: p(99)<50ms', figures })
    expect(own).toMatchObject({ verdict: 'INVALID' })
    expect(own.reason).toContain('of which up to 60 ms are its own')
    expect(report({}, { thresholds: 'ack.latency: p(99)<20ms', figures }).verdict).toBe('FAIL')
  })

  it('is INVALID when the load was not the planned one, in either direction', () => {
    for (const planned of [80, 160]) {
      const figures: Figures = {
        'messages.planned': { kind: 'count', count: planned, seconds: 60 },
      }
      const { verdict, reason } = report({}, { figures })
      expect([verdict, reason]).toEqual(['INVALID', expect.stringContaining(`makes ${planned}`)])
    }
  })

  it('is INVALID when acknowledged readings could not be looked up', () => {
    const figures: Figures = { 'e2e.unverified': { kind: 'count', count: 7, seconds: 60 } }
    expect(report({}, { figures }).reason).toContain('7 acknowledged readings of the sample')
  })
})

describe('what holds of every run', () => {
  it('a run that asks for nothing fails when a reading was not acknowledged', () => {
    const tally = tallyOf()
    tally.due++
    const figures = tally.figures({ waitingMs: [4_000], seconds: 60, isOver: true })
    const rest = 'duration: 60s'
    const said = report({ figures }, { thresholds: '', rest, hasDefaults: true })
    expect(said).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(said.reason).toContain('messages.missing')
    expect(said.thresholds).toContainEqual({
      metric: 'messages.missing',
      expr: 'count==0',
      isMet: false,
      actual: 1,
      isDefault: true,
    })
  })

  it("gives way to the scenario's own threshold for the same metric", () => {
    const own = report(
      {},
      {
        thresholds: 'messages.missing: count<5',
        hasDefaults: true,
      },
    ).thresholds
    expect(own.filter(({ metric }) => metric === 'messages.missing')).toMatchObject([
      { expr: 'count<5', isDefault: false },
    ])
  })
})

describe('the account', () => {
  it('balances: due = acknowledged + missing, and says what became of what is missing', () => {
    const tally = tallyOf()
    tally.due += 10
    for (let index = 0; index < 3; index++) tally.droppedAt(0, 9_000)
    const figures = tally.figures({ waitingMs: [1, 2, 3, 4, 5], seconds: 60, isOver: true })
    expect(report({ figures }).accounting).toEqual({
      planned: 100,
      due: 110,
      acknowledged: 100,
      missing: 10,
      dropped: 3,
      buffered: 5,
      unaccounted: 2,
    })
  })

  it('a reading that was never acknowledged counts against latency with its age', () => {
    const tally = tallyOf()
    tally.due += 2
    tally.droppedAt(1_000, 8_000)
    const figures = tally.figures({ waitingMs: [4_000], seconds: 60, isOver: true })
    const { latencies } = report({ figures })
    expect(latencies['ack.latency']).toMatchObject({ count: 102 })
    // The histogram has three digits.
    expect(latencies['ack.latency']?.maxMs).toBeCloseTo(7_000, -2)
    expect(latencies['ack.wire']).toMatchObject({ count: 100 })
  })

  it('while the run goes on, what waits is not missing yet, and late only when it is', () => {
    const tally = tallyOf()
    tally.due += 2
    const figures = tally.figures({ waitingMs: [500, 9_000], seconds: 10, isOver: false })
    expect(figures['messages.missing']).toMatchObject({ count: 0 })
    const ack = figures['ack.latency']
    expect(ack?.kind === 'latency' && ack.latencies.count).toBe(101)
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
    expect(text).toContain('100 due = 100 acknowledged + 0 missing')
    expect(text).toContain('1 failed: CONNACK 3, server unavailable')
    expect(lines.at(-1)).toBe(
      'repeat     npm run simulate -- run x.yaml --seed 42 --mqtt mqtt://h:1',
    )
  })

  it('says that latencies are void when the generator was too slow', () => {
    expect(reportText(report({}, { figures: tooSlow }))).toContain('is void')
  })
})
