import { readingIds } from '@gaugeline/backend/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeviceSeries } from './device-series.ts'
import { at, block } from './test-blocks.ts'

const numbers = (series: DeviceSeries): number[] => [...series.view('temperature').values]

describe('device series', () => {
  it('keeps readings in the order of their time, whatever order and however often they come', () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 120 })
    fc.assert(
      fc.property(arrivals, (order) => {
        const series = new DeviceSeries()
        for (const n of order) series.add(block(n), true)
        const expected = [...new Set(order)].sort((a, b) => a - b)
        expect(numbers(series)).toEqual(expected)
        expect(series.duplicates).toBe(order.length - expected.length)
      }),
    )
  })

  it('keeps uncounted readings once per time and values', () => {
    const arrivals = fc.array(fc.tuple(fc.nat(20), fc.nat(2)), { maxLength: 80 })
    fc.assert(
      fc.property(arrivals, (order) => {
        const series = new DeviceSeries()
        for (const [second, value] of order) {
          const ts = [second * 1_000]
          series.add(
            { topic: 'a/b', prev: null, position: at(1), ts, metrics: { temperature: [value] } },
            true,
          )
        }
        const { ts, values, length } = series.view('temperature')
        const kept = Array.from({ length }, (_, i) => `${ts[i] ?? 0}:${values[i] ?? 0}`)
        expect(new Set(kept).size).toBe(kept.length)
        expect(new Set(kept)).toEqual(new Set(order.map(([s, v]) => `${s * 1_000}:${v}`)))
        expect([...ts]).toEqual([...ts].sort((a, b) => a - b))
      }),
    )
  })

  it('tells readings apart by their place in the stream, not by what the device says of them', () => {
    const series = new DeviceSeries()
    const alike = (sequence: number) =>
      block(1, 1, { ids: readingIds([at(sequence)]), position: at(sequence) })
    for (const sequence of [1, 2, 1, 3, 2]) series.add(alike(sequence), true)
    expect(numbers(series)).toEqual([1, 1, 1])
  })

  it('keeps a counter that begins again without a boot, with other values, as it came', () => {
    const series = new DeviceSeries()
    for (const from of [1, 11]) {
      const again = block(from, from + 9, {
        boot: null,
        n: Array.from({ length: 10 }, (_, i) => i + 1),
      })
      series.add(again, true)
    }
    expect(series.length).toBe(20)
  })

  it('says which value arrived last, whatever its time', () => {
    const series = new DeviceSeries()
    series.add(block(1, 3), true)
    series.add(block(4, 4, { ts: [1_600_000_000_000] }), true)
    expect(series.newest('temperature')?.value).toBe(4)
    series.add(block(2, 2, { ts: [1_800_000_000_000] }), false)
    expect(series.newest('temperature')?.value).toBe(4)
  })

  it('takes the counter of another boot as another reading', () => {
    const series = new DeviceSeries()
    series.add(block(1), true)
    series.add(block(1, 1, { boot: 'b2', ts: [1_700_000_009_000] }), true)
    expect(series.length).toBe(2)
  })

  it('marks a pushed reading that is older than the newest as late, and a fetched one not', () => {
    const series = new DeviceSeries()
    series.add(block(1), true)
    series.add(block(4), true)
    series.add(block(3), true)
    series.add(block(2), false)
    expect([0, 1, 2, 3].map((row) => series.isLate(row))).toEqual([false, false, true, false])
  })

  it('fills a metric that appears later with no values before', () => {
    const series = new DeviceSeries()
    series.add(block(1), true)
    series.add(block(2, 2, { metrics: { pressure: [4] } }), true)
    expect([...series.view('pressure').values]).toEqual([Number.NaN, 4])
    expect([...series.view('temperature').values]).toEqual([1, Number.NaN])
  })

  it('grows beyond its first capacity and keeps every column aligned', () => {
    const series = new DeviceSeries()
    series.add(block(1, 3_000), false)
    const { ts, values, positions, length } = series.view('temperature')
    expect(length).toBe(3_000)
    expect(values[2_999]).toBe(3_000)
    expect(ts[2_999]).toBe(1_700_003_000_000)
    expect(positions).toHaveLength(3_000)
  })

  it('drops the oldest readings when there are too many, with their positions', () => {
    const series = new DeviceSeries(100)
    series.add(block(1, 120), false)
    series.trim()
    expect(series.length).toBe(87)
    expect(numbers(series)[0]).toBe(34)
    expect(series.view('temperature').positions).toHaveLength(87)
  })

  it('measures the interval of the newest readings and ignores thinned steps', () => {
    const series = new DeviceSeries()
    const sparse = [1, 61, 121].map((n) => block(n, n, { thinned: true }))
    for (const thin of sparse) series.add(thin, false)
    series.add(block(122, 130), true)
    expect(series.intervalMs).toBe(1_000)
  })
})
