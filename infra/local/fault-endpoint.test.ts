import { describe, expect, test } from 'vitest'
import { faultEndpoint } from './fault-endpoint.ts'
import { manualClock } from './platform/clock.ts'
import { createFaults } from './platform/faults.ts'

function setUp(): {
  faults: ReturnType<typeof createFaults>
  call: (method: string, body?: unknown) => { status: number; answer: unknown }
} {
  const faults = createFaults({ clock: manualClock() })
  const endpoint = faultEndpoint(faults)
  return {
    faults,
    call(method, body) {
      const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
      const response = endpoint({ method, body: bytes })
      return { status: response.status, answer: JSON.parse(String(response.body)) as unknown }
    },
  }
}

const rule = { seam: 'kinesis.put', fault: { kind: 'throttle' } }

describe('the fault endpoint', () => {
  test('POST adds rules, GET reports what they did, DELETE ends them', () => {
    const { faults, call } = setUp()
    expect(call('POST', { rules: [rule] }).status).toBe(200)
    expect(faults.at('kinesis.put')).toEqual({ kind: 'throttle' })
    expect(call('GET').answer).toEqual({ rules: [{ rule, asked: 1, injected: 1 }] })
    expect(call('DELETE').answer).toEqual({ rules: [] })
    expect(faults.at('kinesis.put')).toBeUndefined()
  })

  test('POST with a seed starts over', () => {
    const { call } = setUp()
    call('POST', { rules: [rule] })
    expect(call('POST', { seed: 3, rules: [] }).answer).toEqual({ rules: [] })
  })

  test.each([
    [{ rules: [rule, { seam: 'x' }] }, 'fault is missing'],
    [{ rules: 'all' }, 'rules must be a list'],
    [{ seed: 'x' }, 'seed must be a number'],
    [[], 'an object'],
  ])('a wrong request %j changes nothing and says why', (body, message) => {
    const { faults, call } = setUp()
    expect(call('POST', body)).toMatchObject({
      status: 400,
      answer: { message: expect.stringContaining(message) as string },
    })
    expect(faults.report()).toEqual([])
  })
})
