import { describe, expect, test } from 'vitest'
import { manualClock } from './clock.ts'
import { createFaults, readFaultRule } from './faults.ts'

const throttle = { kind: 'throttle' } as const

describe('faults on purpose', () => {
  test('there is none without a rule', () => {
    expect(createFaults({ clock: manualClock() }).at('kinesis.put')).toBeUndefined()
  })

  test('a rule strikes its seam and target only', () => {
    const faults = createFaults({ clock: manualClock() })
    faults.add({ seam: 'dynamodb.*', target: 'History', fault: throttle })
    expect(faults.at('dynamodb.PutItem', 'History')).toEqual(throttle)
    expect(faults.at('dynamodb.PutItem', 'Rejects')).toBeUndefined()
    expect(faults.at('kinesis.put', 'History')).toBeUndefined()
  })

  test('count takes the first calls, every takes each n-th', () => {
    const faults = createFaults({ clock: manualClock() })
    faults.add({ seam: 'a', count: 2, fault: throttle })
    faults.add({ seam: 'b', every: 3, fault: throttle })
    const hits = (seam: string): boolean[] =>
      Array.from({ length: 6 }, () => faults.at(seam) !== undefined)
    expect(hits('a')).toEqual([true, true, false, false, false, false])
    expect(hits('b')).toEqual([false, false, true, false, false, true])
  })

  test('the same seed strikes the same calls, another seed others', () => {
    const run = (seed: number): string => {
      const faults = createFaults({ clock: manualClock(), seed })
      faults.add({ seam: 'a', probability: 0.5, fault: throttle })
      return Array.from({ length: 64 }, () => (faults.at('a') ? 'x' : '.')).join('')
    }
    expect(run(7)).toBe(run(7))
    expect(run(7)).not.toBe(run(8))
  })

  test('a rule ends at untilMs of the injected clock', async () => {
    const clock = manualClock(1_000)
    const faults = createFaults({ clock })
    faults.add({ seam: 'a', untilMs: 2_000, fault: throttle })
    expect(faults.at('a')).toEqual(throttle)
    await clock.advance(1_000)
    expect(faults.at('a')).toBeUndefined()
  })

  test('the report counts what was asked and injected, and clear forgets', () => {
    const faults = createFaults({ clock: manualClock() })
    faults.add({ seam: 'a', every: 2, fault: throttle })
    faults.at('a')
    faults.at('a')
    expect(faults.report()).toMatchObject([{ asked: 2, injected: 1 }])
    faults.clear()
    expect(faults.report()).toEqual([])
  })

  test.each([
    [{ fault: throttle }, 'seam'],
    [{ seam: 'a' }, 'fault is missing'],
    [{ seam: 'a', fault: { kind: 'explode' } }, 'explode'],
    [{ seam: 'a', fault: { kind: 'delay' } }, 'ms'],
    [{ seam: 'a', fault: throttle, probability: 2 }, 'probability'],
    [{ seam: 'a', fault: throttle, every: 0 }, 'every'],
    [{ seam: 'a', fault: throttle, propability: 1 }, 'propability'],
  ])('a wrong rule %j is refused naming the field', (rule, word) => {
    expect(() => readFaultRule(rule)).toThrow(word)
  })
})
