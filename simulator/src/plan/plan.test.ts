import { describe, expect, it } from 'vitest'
import { parseScenario } from '../scenario/load.ts'
import { planText } from './plan-text.ts'
import { planOf, type Plan } from './plan.ts'

function plan(rest: string, fleet = 'count: 1000, interval: 2s'): Plan {
  return planOf(
    parseScenario(
      `{ version: 1, name: x, fleets: { a: { profile: pump, site: plant-1, id: 'a-{index}', ${fleet} } }, ${rest} }`,
      'x.yaml',
    ),
  )
}
const quota = (one: Plan, name: string) => one.quotas.find((check) => check.quota === name)

const fastConnects = 'generator: { connectsPerSecond: 300 }'

describe('a plan', () => {
  it('has devices, readings and bytes a second of each stage at its busiest', () => {
    const { stages, seconds, bytesPerMessage } = plan(
      'stages: [{ name: up, duration: 10s, devices: { to: 50% } }, { name: peak, duration: 5s, devices: 100%, rate: 3x }]',
    )
    expect(stages).toMatchObject([
      { name: 'up', seconds: 10, fromDevices: 0, toDevices: 500, readingsPerSecond: 250 },
      { name: 'peak', seconds: 5, toDevices: 1_000, readingsPerSecond: 1_500 },
    ])
    expect(stages[1]?.bytesPerSecond).toBeCloseTo(1_500 * bytesPerMessage, -4)
    expect(seconds).toBe(15)
  })

  it('counts the readings under the ramps', () => {
    // Half of 1,000 devices on average for 10 s, at one reading in 2 s.
    expect(plan('stages: [{ name: up, duration: 10s, devices: { to: 100% } }]').readings).toBe(
      2_500,
    )
  })

  it('says how long the pace makes a jump', () => {
    const rest = 'generator: { connectsPerSecond: 50 }, duration: 1m'
    expect(plan(rest).rampSeconds).toBeCloseTo(20, 0)
  })

  it.each([
    {
      name: 'publishesPerConnection',
      of: plan('duration: 1m', 'count: 1, interval: 10ms'),
      used: 100,
      isKept: true,
    },
    { name: 'connects', of: plan(fastConnects), used: 300, isKept: true },
    { name: 'subscriptions', of: plan(fastConnects), used: 600, isKept: false },
    {
      name: 'publishes',
      of: plan('duration: 1m', 'count: 10000, interval: 400ms'),
      used: 25_000,
      isKept: false,
    },
    { name: 'connections', of: plan('duration: 1m', 'count: 10000'), used: 10_000, isKept: true },
  ])('holds $name against the quota: $used, kept: $isKept', ({ name, of, used, isKept }) => {
    const check = quota(of, name)
    expect(check?.used).toBeCloseTo(used, 0)
    expect(check?.isKept).toBe(isKept)
  })

  it('has a shard for each thousand readings a second', () => {
    expect(plan('duration: 1m').shards).toBe(1)
    expect(plan('duration: 1m', 'count: 2500, interval: 1s').shards).toBe(3)
  })

  it('costs what its readings take, and an hour when nothing ends it', () => {
    const hour = plan('seed: 1', 'count: 1000, interval: 1s')
    expect(hour.seconds).toBeNull()
    expect(hour.readings).toBe(3_600_000)
    const messages = hour.cost.lines.find(({ billed }) => billed === 'iotMessage')
    expect(messages?.units).toBe(3_600_000)
    expect(messages?.dollars).toBeCloseTo(3.6)
    const sum = hour.cost.lines.reduce((total, { dollars }) => total + dollars, 0)
    expect(hour.cost.dollars).toBeCloseTo(sum)
    expect(planText(hour)).toContain('An hour on AWS: about $')
  })

  it('says in words what is above a quota, and the way out', () => {
    const text = planText(plan('duration: 1m', 'count: 10000, interval: 400ms'))
    expect(text).toContain('✗ 25,000 of 20,000')
    expect(text).toContain('publishes/s of the account; ask AWS to raise it')
    expect(text).toContain('10,000 devices, 1 min, 1,500,000 readings of about')
  })
})
