import { describe, expect, it } from 'vitest'
import { builtinProfiles } from './profiles.ts'
import { setPoints, type SetPoints } from './set-points.ts'

const pump = builtinProfiles['pump']!.channels
const compressor = builtinProfiles['compressor']!.channels

/** The metric's values, one a second, of a channel that by itself stays at `value`. */
const course = (points: SetPoints, value: number, seconds: number, fromS = 0): number[] =>
  Array.from(
    { length: seconds },
    (_, i) => points.apply({ temperature: value }, (fromS + i) * 1_000)['temperature']!,
  )

describe('a set point', () => {
  it('moves its channel from where it is to the value within seconds, and holds it', () => {
    const points = setPoints(pump)
    expect(points.set('temperature', 60)).toEqual({ metric: 'temperature' })
    const values = course(points, 30, 40)
    expect(values[0]).toBe(30)
    expect(values[3]).toBeGreaterThan(45)
    expect(values[3]).toBeLessThan(60)
    expect(values.slice(20)).toEqual(values.slice(20).map(() => 60))
  })
  it('keeps the quick noise of the channel', () => {
    const points = setPoints(pump)
    points.set('temperature', 60)
    course(points, 30, 40)
    expect(points.apply({ temperature: 31 }, 40_000)['temperature']).not.toBe(60)
  })
  it('that is changed starts from the present value', () => {
    const points = setPoints(pump)
    points.set('temperature', 60)
    course(points, 30, 40)
    points.set('temperature', 50)
    expect(course(points, 30, 1, 39.1)[0]).toBeGreaterThan(59)
    expect(course(points, 30, 30, 40).at(-1)).toBe(50)
  })
  it('is gone when cleared', () => {
    const points = setPoints(pump)
    points.set('temperature', 60)
    course(points, 30, 40)
    points.clear()
    expect(course(points, 30, 1, 40)).toEqual([30])
  })
  it('leaves the other channels alone', () => {
    const points = setPoints(pump)
    points.set('temperature', 60)
    expect(points.apply({ temperature: 30, flow: 42 }, 0)).toMatchObject({ flow: 42 })
  })
  it('without a metric is for the first channel', () => {
    expect(setPoints(pump).set(undefined, 2_000)).toEqual({ metric: 'speed' })
  })
  it.each([
    ['nothing', 1, 'one of power, pressure, temperature'],
    ['energy', 1, 'one of power, pressure, temperature'],
    ['power', 61, 'power goes from 0 to 60'],
    ['power', -1, 'power goes from 0 to 60'],
  ])('of %s to %d is refused with the rule', (metric, value, part) => {
    const outcome = setPoints(compressor).set(metric, value)
    expect('refused' in outcome && outcome.refused).toContain(part)
  })
})
