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
    faults.add({ seam: 'kinesis.put', count: 2, fault: throttle })
    faults.add({ seam: 'jwks', every: 3, fault: throttle })
    const hits = (seam: string): boolean[] =>
      Array.from({ length: 6 }, () => faults.at(seam) !== undefined)
    expect(hits('kinesis.put')).toEqual([true, true, false, false, false, false])
    expect(hits('jwks')).toEqual([false, false, true, false, false, true])
  })

  test('the same seed strikes the same calls, another seed others', () => {
    const run = (seed: number): string => {
      const faults = createFaults({ clock: manualClock(), seed })
      faults.add({ seam: 'jwks', probability: 0.5, fault: throttle })
      return Array.from({ length: 64 }, () => (faults.at('jwks') ? 'x' : '.')).join('')
    }
    expect(run(7)).toBe(run(7))
    expect(run(7)).not.toBe(run(8))
  })

  test('traffic at one seam or about one target does not change what is drawn for another', () => {
    const run = (others: number): string => {
      const faults = createFaults({ clock: manualClock(), seed: 7 })
      faults.add({ seam: 'jwks', probability: 0.5, fault: throttle })
      faults.add({ seam: 'dynamodb.*', probability: 0.5, fault: throttle })
      return Array.from({ length: 64 }, () => {
        for (let other = 0; other < others; other++) {
          faults.at('jwks')
          faults.at('dynamodb.Query', 'History')
          faults.at('dynamodb.PutItem', 'Devices')
        }
        return faults.at('dynamodb.PutItem', 'History') ? 'x' : '.'
      }).join('')
    }
    expect(run(3)).toBe(run(0))
    expect(run(0)).toMatch(/x.*\..*x/)
  })

  test('two rules alike do not draw alike', () => {
    const faults = createFaults({ clock: manualClock() })
    const rule = { seam: 'jwks', probability: 0.5, fault: throttle }
    faults.add(rule)
    faults.add(rule)
    for (let call = 0; call < 64; call++) faults.at('jwks')
    const [first, second] = faults.report()
    expect(second?.asked).toBe(64 - (first?.injected ?? 0))
    expect(second?.injected).toBeGreaterThan(0)
    expect(second?.injected).toBeLessThan(second?.asked ?? 0)
  })

  test('a rule ends at untilMs of the injected clock', async () => {
    const clock = manualClock(1_000)
    const faults = createFaults({ clock })
    faults.add({ seam: 'jwks', untilMs: 2_000, fault: throttle })
    expect(faults.at('jwks')).toEqual(throttle)
    await clock.advance(1_000)
    expect(faults.at('jwks')).toBeUndefined()
  })

  test('the report counts what was asked and injected, and clear forgets', () => {
    const faults = createFaults({ clock: manualClock() })
    faults.add({ seam: 'jwks', every: 2, fault: throttle })
    faults.at('jwks')
    faults.at('jwks')
    expect(faults.report()).toMatchObject([{ asked: 2, injected: 1 }])
    faults.clear()
    expect(faults.report()).toEqual([])
  })

  test.each([
    [{ fault: throttle }, 'seam'],
    [{ seam: 'jwks' }, 'fault is missing'],
    [{ seam: 'jwks', fault: { kind: 'explode' } }, 'explode'],
    [{ seam: 'jwks', fault: { kind: 'delay' } }, 'ms'],
    [{ seam: 'jwks', fault: { kind: 'delay', ms: -1 } }, 'ms must be 0 or more'],
    [{ seam: 'jwks', fault: throttle, probability: 2 }, 'probability'],
    [{ seam: 'jwks', fault: throttle, every: 0 }, 'every'],
    [{ seam: 'jwks', fault: throttle, propability: 1 }, 'propability'],
  ])('a wrong rule %j is refused naming the field', (rule, word) => {
    expect(() => readFaultRule(rule)).toThrow(word)
  })

  test.each([
    ['managment.post', throttle, 'there is no seam managment.post; use one of iot.connect,'],
    ['dynamodb.Qeury', throttle, 'there is no seam dynamodb.Qeury'],
    ['dynamo.*', throttle, 'there is no seam dynamo.*'],
    ['lambda.async', throttle, 'lambda.async cannot throttle; it can delay, drop, duplicate'],
    ['lambda.*', throttle, 'lambda.async cannot throttle'],
    ['kinesis.put', { kind: 'kill', ms: 1 } as const, 'kinesis.put cannot kill; it can throttle,'],
    ['dynamodb.*', { kind: 'duplicate', times: 1 } as const, 'BatchGetItem cannot duplicate'],
  ])('%s with %j is refused with the way out', (seam, fault, message) => {
    const faults = createFaults({ clock: manualClock() })
    expect(() => readFaultRule({ seam, fault })).toThrow(message)
    expect(() => {
      faults.add({ seam, fault })
    }).toThrow(message)
    expect(faults.report()).toEqual([])
  })
})
