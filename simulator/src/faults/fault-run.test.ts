import { beforeEach, describe, expect, it } from 'vitest'
import { randomFor } from '../random.ts'
import { parseScenario } from '../scenario/load.ts'
import { applySensorFaults } from '../signal/sensor-faults.ts'
import type { ActiveFault } from './active-fault.ts'
import { planFaults } from './fault-plan.ts'
import { FaultRun, type FaultLabel, type FaultyDevice } from './fault-run.ts'

const startedMs = 50_000
let cuts: [string, number, number | undefined][]
let labels: FaultLabel[]
let nowMs: number
/** The device that a stage has sent away. */
let away: string | undefined
beforeEach(() => {
  cuts = []
  labels = []
  nowMs = startedMs
  away = undefined
})

function planned(faults: string, seed = 1) {
  return planFaults(
    parseScenario(
      `{ version: 1, name: x, seed: ${seed}, faults: [${faults}], fleets: { a: { profile: pump, site: p, count: 10, id: 'a-{index}' } } }`,
      'x.yaml',
    ),
  )
}

function runOf(faults: string): { run: FaultRun; devices: Map<string, FaultyDevice> } {
  const devices = new Map(
    Array.from({ length: 10 }, (_, index) => `a-${index + 1}`).map((id) => [
      id,
      {
        id,
        site: 'p',
        faults: new Set<ActiveFault>(),
        cut(durationMs?: number) {
          if (id === away) return false
          cuts.push([id, nowMs - startedMs, durationMs])
          return true
        },
      },
    ]),
  )
  const label = (one: FaultLabel): void => void labels.push(one)
  return { run: new FaultRun({ planned: planned(faults), devices, startedMs, label }), devices }
}

function advance(run: FaultRun, elapsedMs: number): void {
  for (; nowMs <= startedMs + elapsedMs; nowMs += 100) {
    run.begin(nowMs)
    run.end(nowMs)
  }
}

describe('faults of the network', () => {
  it('a reconnect storm cuts a fraction of a fleet at one instant, once', () => {
    const { run } = runOf('{ at: 1s, kind: reconnect-storm, fleet: a, fraction: 0.3 }')
    advance(run, 3_000)
    expect(cuts.map(([, atMs, forMs]) => [atMs, forMs])).toEqual(Array(3).fill([1_000, undefined]))
    expect(new Set(cuts.map(([id]) => id)).size).toBe(3)
    expect(labels.map(({ effects }) => effects)).toEqual([1, 1, 1])
  })

  it('a flapping link goes down again and again, until the fault is over', () => {
    const { run } = runOf(
      '{ at: 1s, kind: flap, device: a-2, duration: 3s, every: 1s, down: 400ms }',
    )
    advance(run, 10_000)
    expect(cuts).toEqual([1_000, 2_000, 3_000].map((atMs) => ['a-2', atMs, 400]))
    expect(labels).toMatchObject([{ kind: 'flap', effects: 3, endMs: startedMs + 4_000 }])
  })

  it('a blackout lasts as long as it says', () => {
    const { run } = runOf('{ at: 1s, kind: blackout, device: a-2, duration: 3s }')
    advance(run, 5_000)
    expect(cuts).toEqual([['a-2', 1_000, 3_000]])
  })
})

describe('the truth', () => {
  it('about a device that was away says that nothing was done to it', () => {
    away = 'a-2'
    const { run } = runOf('{ at: 1s, kind: blackout, device: a-2, duration: 1s }')
    advance(run, 3_000)
    expect(labels).toMatchObject([{ kind: 'blackout', device: 'a-2', effects: 0 }])
  })

  it('about a fault of a sensor has its channel, its times and the readings that it changed', () => {
    const { run, devices } = runOf(
      '{ at: 1s, kind: stuck, device: a-4, channel: flow, duration: 2s, magnitude: 7 }',
    )
    for (; nowMs <= startedMs + 4_000; nowMs += 500) {
      run.begin(nowMs)
      const { flow } = applySensorFaults(
        { flow: 40 },
        { faults: devices.get('a-4')?.faults ?? [], nowMs, random: randomFor(1, 'x') },
      )
      const elapsedMs = nowMs - startedMs
      expect(flow).toBe(elapsedMs >= 1_000 && elapsedMs < 3_000 ? 7 : 40)
      run.end(nowMs)
    }
    expect(labels).toEqual([
      {
        kind: 'stuck',
        site: 'p',
        device: 'a-4',
        channel: 'flow',
        magnitude: 7,
        startMs: startedMs + 1_000,
        endMs: startedMs + 3_000,
        effects: 4,
      },
    ])
  })

  it('about a fault that the end of the run cut short says when it ended', () => {
    const { run } = runOf('{ at: 1s, kind: drift, device: a-4, channel: flow, duration: 1h }')
    advance(run, 2_000)
    expect(run.active).toBe(1)
    run.stop(startedMs + 2_000)
    expect(labels).toMatchObject([{ endMs: startedMs + 2_000 }])
    expect(run.active).toBe(0)
  })
})

it('the seed chooses the devices of a fraction', () => {
  const storm = '{ at: 1s, kind: reconnect-storm, fleet: a, fraction: 0.4 }'
  const chosen = (seed: number) => planned(storm, seed)[0]?.devices
  expect(chosen(1)).toHaveLength(4)
  expect(chosen(1)).toEqual(chosen(1))
  expect(chosen(1)).not.toEqual(chosen(2))
})
