import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Coverage } from './coverage.ts'
import { at } from './test-blocks.ts'

const span = (since: number, until: number) => ({ since: at(since), until: at(until) })

describe('coverage', () => {
  it('has no head before anything is seen', () => {
    expect(new Coverage().head).toBeNull()
  })

  it('joins spans that touch and names the hole between those that do not', () => {
    const coverage = new Coverage()
    coverage.add(span(0, 5))
    coverage.add(span(5, 7))
    coverage.add(span(9, 12))
    expect(coverage.head).toBe(at(7))
    expect(coverage.last).toBe(at(12))
    expect(coverage.holes()).toEqual([span(7, 9)])
  })

  it('closes a hole when its readings come', () => {
    const coverage = new Coverage()
    coverage.add(span(0, 5))
    coverage.add(span(9, 12))
    coverage.add(span(5, 9))
    expect(coverage.holes()).toEqual([])
    expect(coverage.head).toBe(at(12))
  })

  it('agrees with a plain set of positions for any order of spans', () => {
    const spans = fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 8 })), { maxLength: 20 })
    fc.assert(
      fc.property(spans, (list) => {
        const coverage = new Coverage()
        const seen = new Set<number>()
        for (const [since, size] of list) {
          coverage.add(span(since, since + size))
          for (let n = since + 1; n <= since + size; n++) seen.add(n)
        }
        for (let n = 1; n <= 40; n++) {
          expect(coverage.has(span(n - 1, n))).toBe(seen.has(n))
        }
      }),
    )
  })
})
