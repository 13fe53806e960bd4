import { beforeEach, describe, expect, it } from 'vitest'
import type { ActiveFault } from '../faults/active-fault.ts'
import type { FaultLabel } from '../faults/fault-run.ts'
import { parseScenario } from '../scenario/load.ts'
import { Schedule } from '../schedule.ts'
import { Engine, type DrivenDevice } from './engine.ts'

const startedMs = 1_000_000
let said: string[]
let nowMs: number
let labels: FaultLabel[]
let schedule: Schedule<DrivenDevice>

/** A device that sends each second and says what happens to it. */
class SpokenDevice implements DrivenDevice {
  readonly site = 'plant-1'
  readonly faults = new Set<ActiveFault>()
  readonly id: string
  constructor(id: string) {
    this.id = id
  }
  join(intendedMs: number, phaseMs: number): void {
    said.push(`${intendedMs - startedMs} ${this.id} joins`)
    schedule.add(intendedMs + phaseMs, this)
  }
  leave(): Promise<void> {
    said.push(`${nowMs - startedMs} ${this.id} leaves`)
    return Promise.resolve()
  }
  setRate(factor: number): void {
    said.push(`${nowMs - startedMs} ${this.id} at ${factor}x`)
  }
  sample(dueMs: number): void {
    const faulty = [...this.faults].map(({ fault }) => ` ${fault.kind}`).join('')
    said.push(`${dueMs - startedMs} ${this.id} samples${faulty}`)
    schedule.add(dueMs + 1_000, this)
  }
  cut(durationMs?: number): boolean {
    said.push(`${nowMs - startedMs} ${this.id} is cut ${durationMs ?? 'once'}`)
    return true
  }
}

beforeEach(() => {
  said = []
  labels = []
  nowMs = startedMs
  schedule = new Schedule()
})

function engineOf(rest: string): Engine {
  const scenario = parseScenario(
    `{ version: 1, name: x, fleets: { a: { profile: pump, site: plant-1, count: 2, id: 'a-{index}' } }, ${rest} }`,
    'x.yaml',
  )
  const members = ['a-1', 'a-2'].map((id) => ({ device: new SpokenDevice(id), phaseMs: 100 }))
  const label = (one: FaultLabel): void => void labels.push(one)
  return new Engine({ scenario, members, schedule, startedMs, now: () => nowMs, label })
}

function runTo(engine: Engine, elapsedMs: number): void {
  for (; nowMs <= startedMs + elapsedMs; nowMs += 10) engine.tick(nowMs)
}

describe('a run', () => {
  it('has its devices join along the ramp and send by their own phase', () => {
    const engine = engineOf('stages: [{ name: ramp, duration: 1s, devices: { to: 2 } }]')
    runTo(engine, 1_000)
    expect(said).toEqual(['0 a-1 joins', '100 a-1 samples', '500 a-2 joins', '600 a-2 samples'])
    expect(engine.present).toBe(2)
  })

  it('changes the rate of all devices with the stage, and back', () => {
    const engine = engineOf(
      'stages: [{ name: a, duration: 1s }, { name: b, duration: 1s, rate: 3x }, { name: c, duration: 1s }]',
    )
    runTo(engine, 2_500)
    expect(said.filter((line) => line.includes('at'))).toEqual([
      '1000 a-1 at 3x',
      '1000 a-2 at 3x',
      '2000 a-1 at 1x',
      '2000 a-2 at 1x',
    ])
    expect(engine.stageAt(nowMs)?.name).toBe('c')
  })

  it('lets devices go that a stage does not have, and counts them no more', () => {
    const engine = engineOf(
      'stages: [{ name: a, duration: 1s }, { name: b, duration: 1s, devices: { to: 0 } }]',
    )
    runTo(engine, 2_000)
    expect(said.filter((line) => line.includes('leaves'))).toEqual([
      '1000 a-2 leaves',
      '1500 a-1 leaves',
    ])
    expect(engine.present).toBe(0)
  })

  it('takes at its end what was due, however late, so that nothing is missing from the account', async () => {
    const engine = engineOf('duration: 5s')
    runTo(engine, 50)
    said = []
    nowMs = startedMs + 1_150
    await engine.stop(nowMs, 0)
    expect(said.filter((line) => line.includes('samples'))).toEqual([
      '100 a-1 samples',
      '105 a-2 samples',
      '1100 a-1 samples',
      '1105 a-2 samples',
    ])
  })

  it('begins and ends a fault of a sensor with the readings it is said to touch', () => {
    const engine = engineOf(
      'faults: [{ at: 1s, kind: stuck, device: a-1, channel: flow, duration: 1s }]',
    )
    runTo(engine, 2_500)
    expect(said.filter((line) => line.includes('stuck'))).toEqual(['1100 a-1 samples stuck'])
    expect(labels).toMatchObject([
      { kind: 'stuck', device: 'a-1', startMs: startedMs + 1_000, endMs: startedMs + 2_000 },
    ])
  })
})
