import { describe, expect, it } from 'vitest'
import { meanOf, percentileOf } from './figures.ts'

describe('mean', () => {
  it.each<[string, number[], number]>([
    ['of values whose sum is no double', [1.79e308, 1.79e308, 1.79e308], 1.79e308],
    ['of the largest doubles of both signs', [1.79e308, 1.79e308, -1.79e308], 1.79e308 / 3],
    ['of the smallest doubles', [5e-324, 5e-324, 5e-324], 5e-324],
    ['of few values', [1, 2, 6], 3],
  ])('%s', (_name, values, expected) => {
    expect(meanOf(values) / expected).toBeCloseTo(1, 12)
  })
  it('weighs values by their counts', () => {
    expect(meanOf([1, 4, 9], [3, 1, 0])).toBe(1.75)
  })
})

describe('percentile', () => {
  it('is the nearest rank, also where the share is a whole number of values', () => {
    for (const count of [20, 60, 100, 140, 300]) {
      const values = Array.from({ length: count }, (_, i) => i + 1)
      expect(percentileOf(values, 95)).toBe((count * 19) / 20)
    }
    expect([1, 50, 51, 100].map((p) => percentileOf([1, 2], p))).toEqual([1, 1, 2, 2])
    expect(percentileOf([], 95)).toBeUndefined()
  })
})
