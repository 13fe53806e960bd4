import { describe, expect, it } from 'vitest'
import { calmBounds, valueTicks } from './scales.ts'

describe('the value axis', () => {
  it.each<[string, number, number]>([
    ['a value that never moves', 21.5, 21.5],
    ['2^53 and the next that a double can hold (PAYLOAD-26)', 2 ** 53, 2 ** 53 + 2],
    ['10^16, where doubles are two apart', 1e16, 1e16 + 2],
    ['1e308 alone (PAYLOAD-26)', 1e308, 1e308],
    ['all that a double can hold', -Number.MAX_VALUE, Number.MAX_VALUE],
    ['the smallest numbers', -5e-324, 5e-324],
  ])('has finite bounds and a few ticks between them for %s', (_name, min, max) => {
    const bounds = calmBounds({ min, max }, undefined, 0.08)
    expect([bounds.min, bounds.max, bounds.step].every(Number.isFinite)).toBe(true)
    expect(bounds.max).toBeGreaterThan(bounds.min)
    const ticks = valueTicks(bounds)
    expect(ticks.length).toBeGreaterThan(1)
    expect(ticks.length).toBeLessThan(10)
    expect(new Set(ticks).size).toBe(ticks.length)
  })

  it('has room for the values it is made for', () => {
    const bounds = calmBounds({ min: 1e16, max: 1e16 + 2 }, undefined, 0.08)
    expect(bounds.min).toBeLessThanOrEqual(1e16)
    expect(bounds.max).toBeGreaterThanOrEqual(1e16 + 2)
  })
})
