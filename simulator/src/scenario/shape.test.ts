import { describe, expect, it } from 'vitest'
import { adaptScenario } from './adapt.ts'
import { parseScenario } from './load.ts'
import type { Scenario } from './schema.ts'
import { deviceTotal, plannedMs, stageSpans } from './shape.ts'

function scenario(rest = ''): Scenario {
  return parseScenario(
    `version: 1
name: x
fleets:
  a: { profile: pump, site: p, count: 30, id: 'a-{index}' }
  b: { profile: climate, site: p, count: 10, id: 'b-{index}' }
${rest}`,
    'x.yaml',
  )
}
const course = (one: Scenario) =>
  stageSpans(one).map(({ name, startMs, endMs, from, to, rate }) => [
    name,
    startMs,
    endMs,
    from,
    to,
    rate,
  ])
const noChange = { threshold: [] }

describe('stages', () => {
  it('begin where the one before ended, ramp by number or share, and last together as long as the run', () => {
    const one = scenario(`stages:
  - { name: warm-up, duration: 10s, devices: { to: 25% } }
  - { name: jump, duration: 10s, devices: 20 }
  - { name: peak, duration: 5s, rate: 2.5x }
  - { name: drain, duration: 5s, devices: { to: 0 } }`)
    expect(course(one)).toEqual([
      ['warm-up', 0, 10_000, 0, 10, 1],
      ['jump', 10_000, 20_000, 20, 20, 1],
      ['peak', 20_000, 25_000, 20, 20, 2.5],
      ['drain', 25_000, 30_000, 20, 0, 1],
    ])
    expect(plannedMs(one)).toBe(30_000)
  })

  it('that say nothing of devices have all of them', () => {
    expect(course(scenario('stages: [{ name: a, duration: 1s }]'))).toEqual([
      ['a', 0, 1_000, 40, 40, 1],
    ])
  })

  it('are one without an end when there are none', () => {
    expect(course(scenario())).toEqual([['run', 0, Infinity, 40, 40, 1]])
    expect(plannedMs(scenario())).toBeUndefined()
  })
})

describe('the flags of the command line', () => {
  it('change the number of devices in proportion, and the numbers of stages with it', () => {
    const one = scenario('stages: [{ name: a, duration: 1s, devices: { from: 20, to: 50% } }]')
    const small = adaptScenario(one, { devices: 4, threshold: [] })
    expect(Object.values(small.fleets).map(({ count }) => count)).toEqual([3, 1])
    expect(course(small)).toEqual([['a', 0, 1_000, 2, 2, 1]])
    expect(deviceTotal(adaptScenario(one, { devices: 41, threshold: [] }))).toBe(41)
    expect(() => adaptScenario(one, { devices: 1, threshold: [] })).toThrow('2 fleets')
  })

  it('squeeze a course of stages whole, its faults and thresholds too', () => {
    const one = scenario(`stages: [{ name: a, duration: 40s }, { name: b, duration: 20s }]
faults: [{ at: 30s, kind: blackout, device: a-1, duration: 6s }]
thresholds: { ack.latency: { expr: p(95)<1s, abortOnFail: true, after: 30s } }`)
    const short = adaptScenario(one, { duration: 6_000, threshold: [] })
    expect(plannedMs(short)).toBeCloseTo(6_000)
    expect(short.faults).toMatchObject([{ at: 3_000, duration: 600 }])
    expect(short.thresholds).toMatchObject({ 'ack.latency': [{ after: 3_000 }] })
  })

  it('add thresholds to those of the file', () => {
    const one = scenario('thresholds: { ack.latency: p(95)<1s }')
    const threshold = ['ack.latency: p(99)<2s', 'messages.missing count==0']
    expect(adaptScenario(one, { threshold }).thresholds).toEqual({
      'ack.latency': ['p(95)<1s', 'p(99)<2s'],
      'messages.missing': ['count==0'],
    })
    expect(() => adaptScenario(one, { threshold: ['ack.latncy: p(95)<1s'] })).toThrow('ack.latency')
    expect(() => adaptScenario(one, { threshold: ['p(95)<1s'] })).toThrow('--threshold "ack.')
  })

  it('are checked against what they leave of the scenario', () => {
    const one = scenario('faults: [{ at: 9s, kind: blackout, device: a-30, duration: 1s }]')
    expect(() => adaptScenario(one, { devices: 4, threshold: [] })).toThrow('no fleet has device')
    expect(() => adaptScenario(one, { duration: 5_000, threshold: [] })).toThrow('after the end')
    expect(adaptScenario(one, noChange)).toBe(one)
  })
})
