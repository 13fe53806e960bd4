import { createHistogram } from 'node:perf_hooks'
import { expect, it } from 'vitest'
import type { Progress } from '../run/progress.ts'
import { panelLines, progressLine } from './panel.ts'

const ack = createHistogram()
for (let ms = 1; ms <= 100; ms++) ack.record(ms)
const progress: Progress = {
  name: 'two-thousand',
  stage: 'peak',
  stageOf: '3/4',
  elapsedMs: 65_000,
  totalMs: 130_000,
  rate: 3,
  present: 2_000,
  devices: 2_000,
  connected: 1_997,
  bufferedReadings: 412,
  bufferedDevices: 7,
  dropped: 0,
  lost: 3,
  failedConnects: 1,
  due: 10_000,
  acknowledged: 9_588,
  duePerSecond: 1_201.4,
  ackedPerSecond: 1_180.2,
  ack,
  activeFaults: 2,
  scheduleLagP99Ms: 12,
  loopLagP99Ms: 6,
  cpuPercent: 41,
  isSaturated: false,
}

it('shows stage, progress, devices, rates, latencies and the health of the generator', () => {
  const text = panelLines(progress, 200).join('\n')
  for (const part of [
    'two-thousand  peak (3/4) at 3x  01:05 of 2 min 10 s  ████████████░░░░░░░░░░░░ 50 %',
    '1,997 of 2,000 connected, 3 not yet; buffered 412 (7 devices)',
    'faults on 2 devices',
    '1,201/s due, 1,180/s acknowledged',
    'p50 50  p95 95  p99 99 ms',
    'GENERATOR OK',
  ])
    expect(text).toContain(part)
})

it('is never wider than the terminal', () => {
  expect(panelLines(progress, 60).every((line) => line.length < 60)).toBe(true)
})

it('says when the generator cannot keep up', () => {
  const saturated = { ...progress, isSaturated: true }
  expect(panelLines(saturated, 200).join('\n')).toContain('GENERATOR SATURATED')
  expect(progressLine(saturated)).toContain('GENERATOR SATURATED')
})

it('is one line in a log', () => {
  expect(progressLine({ ...progress, totalMs: undefined, stageOf: undefined, rate: 1 })).toBe(
    '01:05  peak: 1,997 of 2,000 devices, 1,201/s due, 1,180/s acknowledged, ack p99 99 ms, buffered 412, dropped 0',
  )
})
