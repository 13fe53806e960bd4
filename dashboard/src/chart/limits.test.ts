import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beyond, type Limits, parseLimits, withLimits, writeLimits } from './limits.ts'

describe('limits of a chart', () => {
  it('come back from the URL as they were written, whatever the metric is called', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    const limits = fc.oneof(
      fc.record({ low: number, high: number }),
      fc.record({ low: number, high: fc.constant(undefined) }),
      fc.record({ low: fc.constant(undefined), high: number }),
    )
    const name = fc.string({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(fc.tuple(name, limits), { maxLength: 6 }), (entries) => {
        const written = new Map<string, Limits>(entries)
        const read = parseLimits(writeLimits(written))
        expect([...read.keys()]).toEqual([...written.keys()])
        for (const [metric, { low, high }] of written) {
          // -0 is written as 0.
          expect(read.get(metric)?.low).toBe(low === undefined ? undefined : low + 0)
          expect(read.get(metric)?.high).toBe(high === undefined ? undefined : high + 0)
        }
      }),
    )
  })

  it.each(['', 'temperature', 'temperature~x~y', '~1~2', 'a~~', 'a~1', 'a~--1~', '%~1~2'])(
    'leave out what cannot be read: %j',
    (text) => {
      expect(parseLimits(text).size).toBe(0)
    },
  )

  it('say on which side a value lies beyond them', () => {
    const limits = { low: 40, high: 70 }
    expect([39.9, 40, 70, 70.1].map((value) => beyond(value, limits))).toEqual([
      'low',
      undefined,
      undefined,
      'high',
    ])
    expect(beyond(undefined, limits)).toBeUndefined()
  })

  it('widen the scale, so that they are seen, also before the first reading', () => {
    expect(withLimits({ min: 50, max: 60 }, { high: 90 })).toEqual({ min: 50, max: 90 })
    expect(withLimits({ min: Infinity, max: -Infinity }, { low: 1, high: 2 })).toEqual({
      min: 1,
      max: 2,
    })
  })
})
