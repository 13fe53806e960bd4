import { describe, expect, it } from 'vitest'
import { deviceSignal, siteNoiseOf } from './device-signal.ts'
import { builtinProfiles } from './profiles.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 0, 5)

function series(options: {
  profile: string
  device: string
  metric: string
  stepMs: number
  count: number
  seed?: number
}): number[] {
  const seed = options.seed ?? 42
  const signal = deviceSignal(builtinProfiles[options.profile]!, {
    seed,
    device: options.device,
    siteNoise: siteNoiseOf(seed, {
      site: 'plant-1',
      profile: options.profile,
      epochMs: start,
    }),
  })
  return Array.from(
    { length: options.count },
    (_, i) => signal(start + i * options.stepMs)[options.metric]!,
  )
}

function statistics(values: readonly number[]): {
  sd: number
  acf: (lag: number) => number
  stepRatio: number
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  const acf = (lag: number): number => {
    let sum = 0
    for (let i = lag; i < values.length; i++) sum += (values[i]! - mean) * (values[i - lag]! - mean)
    return sum / values.length / variance
  }
  const steps = values.slice(1).map((value, i) => value - values[i]!)
  const stepSd = Math.sqrt(steps.reduce((sum, step) => sum + step * step, 0) / steps.length)
  return { sd: Math.sqrt(variance), acf, stepRatio: stepSd / Math.sqrt(variance) }
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((s, v) => s + v, 0) / values.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb)
    aa += (a[i]! - ma) ** 2
    bb += (b[i]! - mb) ** 2
  }
  return ab / Math.sqrt(aa * bb)
}

describe('the signal of a device', () => {
  it('lands in the bands of a real office temperature, not in those of white noise', () => {
    const { acf, stepRatio } = statistics(
      series({
        profile: 'climate',
        device: 'climate-1',
        metric: 'temperature',
        stepMs: hour,
        count: 7_267,
      }),
    )
    expect(acf(1)).toBeGreaterThan(0.9)
    expect(acf(24)).toBeGreaterThan(0.5)
    expect(stepRatio).toBeLessThan(0.4)
  })

  it('stands on the grid of its converter', () => {
    const values = series({
      profile: 'climate',
      device: 'climate-1',
      metric: 'temperature',
      stepMs: 1_000,
      count: 500,
    })
    expect(values.every((value) => Number((value * 10).toFixed(6)) % 1 === 0)).toBe(true)
  })

  it('has channels that belong together: humidity falls when the temperature rises', () => {
    const options = { profile: 'climate', device: 'climate-2', stepMs: hour, count: 2_000 }
    const temperature = series({ ...options, metric: 'temperature' })
    const humidity = series({ ...options, metric: 'humidity' })
    expect(correlation(temperature, humidity)).toBeLessThan(-0.6)
  })

  it('shares the weather with the other devices of its site', () => {
    const options = { profile: 'climate', metric: 'temperature', stepMs: hour, count: 2_000 }
    const a = series({ ...options, device: 'climate-1' })
    const b = series({ ...options, device: 'climate-2' })
    expect(a).not.toEqual(b)
    expect(correlation(a, b)).toBeGreaterThan(0.6)
  })

  it('is the same for the same seed and another for another seed', () => {
    const options = {
      profile: 'pump',
      device: 'pump-7',
      metric: 'vibration',
      stepMs: 1_000,
      count: 50,
    }
    expect(series(options)).toEqual(series(options))
    expect(series(options)).not.toEqual(series({ ...options, seed: 43 }))
  })

  it('has machines that stop and start: a pump at rest has no flow', () => {
    const speed = series({
      profile: 'pump',
      device: 'pump-1',
      metric: 'speed',
      stepMs: 5_000,
      count: 8_000,
    })
    const share = speed.filter((value) => value > 1_000).length / speed.length
    expect(share).toBeGreaterThan(0.7)
    expect(share).toBeLessThan(1)
  })

  it('never lets a counter fall', () => {
    const energy = series({
      profile: 'compressor',
      device: 'compressor-1',
      metric: 'energy',
      stepMs: 1_000,
      count: 2_000,
    })
    expect(energy.every((value, i) => i === 0 || value >= energy[i - 1]!)).toBe(true)
    expect(energy.at(-1)).toBeGreaterThan(0)
  })

  it('has the same shared noise whoever asks first, and at whatever times', () => {
    const place = { site: 'plant-1', profile: 'climate', epochMs: start }
    const shape = { tauMs: 30 * hour, sd: 2 }
    const [often, seldom] = [siteNoiseOf(42, place), siteNoiseOf(42, place)]
    for (let ms = 0; ms < hour; ms += 700) often('temperature/0', shape, start + ms)
    const late = seldom('temperature/0', shape, start + hour)
    expect(often('temperature/0', shape, start + hour)).toBe(late)
    expect(often('temperature/0', shape, start + 700)).toBe(
      seldom('temperature/0', shape, start + 700),
    )
    const other = siteNoiseOf(42, { ...place, profile: 'pump' })
    expect(other('temperature/0', shape, start + hour)).not.toBe(late)
  })
})
