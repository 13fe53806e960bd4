import { expect, it } from 'vitest'
import { Pace } from './pace.ts'

const demand = (watchers: unknown, at: unknown = 1): Buffer =>
  Buffer.from(JSON.stringify({ watchers, at }))

it('a device sends slower while it knows that nobody watches', () => {
  const pace = new Pace(500, 10_000)
  expect(pace.intervalMs).toBe(500)
  expect(pace.takeDemand(demand(0, 1))).toBe(true)
  expect(pace.intervalMs).toBe(10_000)
  expect(pace.takeDemand(demand(2, 2))).toBe(true)
  expect(pace.intervalMs).toBe(500)
})

it('an older count that comes late changes nothing', () => {
  const pace = new Pace(500, 10_000)
  pace.takeDemand(demand(1, 5))
  expect(pace.takeDemand(demand(0, 4))).toBe(false)
  expect(pace.intervalMs).toBe(500)
})

it('a commanded interval holds while somebody watches, and is never shortened by idling', () => {
  const pace = new Pace(500, 10_000)
  pace.set(30_000)
  pace.takeDemand(demand(0))
  expect(pace.intervalMs).toBe(30_000)
  pace.set(250)
  pace.takeDemand(demand(1))
  expect(pace.intervalMs).toBe(250)
  pace.reset()
  expect(pace.intervalMs).toBe(500)
})

it('a device that does not slow down takes no notice', () => {
  const pace = new Pace(500)
  pace.takeDemand(demand(0))
  expect(pace.intervalMs).toBe(500)
})

it.each(['', 'x', 'null', '7', '{}', '{"watchers":-1,"at":1}', '{"watchers":"0","at":1}'])(
  '%s is no count',
  (text) => {
    const pace = new Pace(500, 10_000)
    expect(pace.takeDemand(Buffer.from(text))).toBe(false)
    expect(pace.intervalMs).toBe(500)
  },
)

it("a stage's rate multiplies whatever interval holds", () => {
  const pace = new Pace(600, 10_000)
  pace.setFactor(3)
  expect(pace.intervalMs).toBe(200)
  pace.takeDemand(demand(0))
  expect(pace.intervalMs).toBeCloseTo(3_333.3, 1)
  pace.setFactor(1)
  expect(pace.intervalMs).toBe(10_000)
})
