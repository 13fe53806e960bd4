import { describe, expect, it } from 'vitest'
import { capturedOutput } from '../testing/captured-output.ts'
import { createTelemetry } from './telemetry.ts'

const FORGERY = 'x\r\n{"level":"INFO"}\u001b[31m\u2028\u2029\u202e\u2066\u0085'

const written = capturedOutput()

const lines = (): string[] => written.join('').split('\n').filter(Boolean)
const only = (): Record<string, unknown> => JSON.parse(lines()[0] ?? '') as Record<string, unknown>
const emitted = (): Record<string, unknown>[] =>
  lines().map((line) => JSON.parse(line) as Record<string, unknown>)

describe('PROMISE-25: a log line', () => {
  it.each(['info', 'warn', 'error'] as const)(
    '%s: is one line of JSON, whatever the facts and the error say',
    (level) => {
      const error = new Error(FORGERY)
      error.name = FORGERY
      createTelemetry('deliver').log[level]('something happened', { topic: FORGERY, n: 3 }, error)
      expect(lines()).toHaveLength(1)
      expect(lines()[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
      expect(only()).toMatchObject({ message: 'something happened', service: 'deliver', n: 3 })
      expect(String(only().topic)).toMatch(/^x\r\n\{"level":"INFO"\}/)
    },
  )

  it('cuts every text of a megabyte, the error’s too', () => {
    const long = 'y'.repeat(1_000_000)
    const error = new Error(long)
    error.name = long
    createTelemetry('deliver').log.warn('something happened', { a: long, b: long }, error)
    expect(lines()[0]?.length).toBeLessThan(2_048)
    expect(String(only().a)).toHaveLength(256)
    expect(String(only().errorMessage)).toHaveLength(256)
    expect(String(only().errorName)).toHaveLength(256)
  })

  it('has no stack and no cause of an error: they could hold a request', () => {
    const error = new Error('refused', { cause: 'canary-4711' })
    createTelemetry('deliver').log.error('something happened', {}, error)
    expect(lines()[0]).not.toMatch(/canary-4711|telemetry\.test/)
    expect(only()).toMatchObject({ errorName: 'Error', errorMessage: 'refused' })
  })
})

describe('the metrics of an invocation', () => {
  it('are written once, and begin anew with the next', () => {
    const telemetry = createTelemetry('deliver')
    const { metrics } = telemetry
    metrics.count('PostsOk')
    metrics.count('PostsOk', 4)
    metrics.durations('DeliveryLatency', new Map([[7, 2]]))
    telemetry.flush()
    expect(emitted()).toMatchObject([{ service: 'deliver', PostsOk: 5, DeliveryLatency: [7, 7] }])
    written.length = 0
    telemetry.flush()
    expect(lines()).toEqual([])
  })

  it('EMF-7: hold at most 100 durations, whose percentiles are those of all observations', () => {
    const telemetry = createTelemetry('deliver')
    const { metrics } = telemetry
    // 98 % fast ones, 1.9 % slow ones, and one of a minute.
    const observations = new Map([
      [10, 9_800],
      [500, 199],
      [60_000, 1],
    ])
    metrics.durations('DeliveryLatency', observations)
    telemetry.flush()
    const values = emitted().flatMap(({ DeliveryLatency }) => DeliveryLatency as number[])
    expect(values).toHaveLength(100)
    expect([values[0], values[50], values[98], values[99]]).toEqual([10, 10, 500, 60_000])
    expect(values.filter((ms) => ms === 10)).toHaveLength(98)
  })

  it('add up what is observed in several calls', () => {
    const telemetry = createTelemetry('deliver')
    const { metrics } = telemetry
    metrics.durations('DeliveryLatency', new Map([[1, 1]]))
    metrics.durations(
      'DeliveryLatency',
      new Map([
        [3, 1],
        [1, 1],
      ]),
    )
    telemetry.flush()
    expect(emitted()).toMatchObject([{ DeliveryLatency: [1, 1, 3] }])
  })
})
