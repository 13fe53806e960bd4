import { createHistogram } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import type { Figures } from '../metrics/figures.ts'
import type { MetricName } from '../metrics/catalog.ts'
import { parseExpression } from './expression.ts'
import { compileThresholds, evaluate } from './thresholds.ts'

const latencies = createHistogram()
for (let ms = 1; ms <= 100; ms++) latencies.record(ms)
const figures: Figures = {
  'ack.latency': { kind: 'latency', latencies },
  'ack.wire': { kind: 'latency', latencies: createHistogram() },
  'connect.success': { kind: 'share', hits: 999, of: 1_000 },
  'messages.dropped': { kind: 'count', count: 30, seconds: 60 },
}

function outcome(metric: MetricName, expression: string): [boolean, number | undefined] {
  const compiled = compileThresholds({ [metric]: expression }, { hasVerify: false })
  if ('problem' in compiled || !compiled.thresholds[0]) throw new Error(JSON.stringify(compiled))
  const { isMet, actual } = evaluate(compiled.thresholds[0], figures)
  return [isMet, actual]
}

describe('a threshold', () => {
  it.each<[MetricName, string, boolean, number | undefined]>([
    ['ack.latency', 'p(95)<250ms', true, 95],
    ['ack.latency', 'p(95) < 0.09s', false, 95],
    ['ack.latency', 'p(99.9)<=100ms', true, 100],
    ['ack.latency', 'med>=50ms', true, 50],
    ['ack.latency', 'avg<50ms', false, 50.5],
    ['ack.latency', 'min==1ms', true, 1],
    ['ack.latency', 'max!=100ms', false, 100],
    ['connect.success', 'rate>0.999', false, 0.999],
    ['connect.success', 'rate>=0.999', true, 0.999],
    ['messages.dropped', 'count==0', false, 30],
    ['messages.dropped', 'rate<1', true, 0.5],
  ])('%s %s', (metric, expression, isMet, actual) => {
    expect(outcome(metric, expression)).toEqual([isMet, actual])
  })

  it('does not hold when nothing was measured', () => {
    expect(outcome('ack.wire', 'p(95)<1h')).toEqual([false, undefined])
    expect(outcome('schedule.lag', 'p(95)<1h')).toEqual([false, undefined])
  })
})

describe('an expression that is none is refused with the rule and an example', () => {
  it.each<[MetricName, string, string]>([
    ['ack.latency', 'p(95)<250', 'a latency has the unit ms, s, m, h or d'],
    ['ack.latency', 'p(95)<250us', 'p(95)<250ms'],
    ['ack.latency', 'p(0)<1s', 'p(N), avg'],
    ['ack.latency', 'p(101)<1s', 'p(N), avg'],
    ['ack.latency', 'p95<1s', 'p(95)<250ms'],
    ['ack.latency', 'rate<1s', 'ack.latency has p(N), avg, min, med, max, not "rate"'],
    ['connect.success', 'rate>99%', 'a share is a number from 0 to 1'],
    ['connect.success', 'count>1', 'connect.success has rate'],
    ['messages.missing', 'count=0', 'count==0'],
    ['messages.missing', '', 'count==0'],
    ['messages.missing', 'count==0ms', 'a number without unit'],
    ['messages.missing', 'p(95)==0', 'messages.missing has count, rate'],
  ])('%s %s', (metric, text, part) => {
    expect(parseExpression(metric, text)).toContain(part)
  })
})

it('a threshold on what only verify measures is refused without verify', () => {
  const written = { 'e2e.missing': 'count==0' }
  expect(compileThresholds(written, { hasVerify: false })).toMatchObject({
    problem: {
      path: ['e2e.missing'],
      message: expect.stringContaining('verify: { sample') as string,
    },
  })
  expect(compileThresholds(written, { hasVerify: true })).toMatchObject({
    thresholds: [{ metric: 'e2e.missing' }],
  })
})
