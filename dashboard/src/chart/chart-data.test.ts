import type { Block } from '@gaugeline/backend/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketMsFor, minMaxBuckets } from '../stream/buckets.ts'
import { DeviceFeed } from '../stream/device-feed.ts'
import { Timeline } from '../timeline/timeline.ts'
import { at, block } from '../stream/test-blocks.ts'
import { type ChartColumns, readColumns as read, shownRange } from './columns.ts'
import { calmBounds, timeTicks, valueTicks } from './scales.ts'

const T0 = 1_700_000_000_000
const range = { fromMs: T0, toMs: T0 + 60_000, pixels: 400 }
/** The window as it was `n` seconds after T0: no time for silence after the reading n. */
const until = (n: number): typeof range => ({ ...range, toMs: T0 + n * 1_000 })

function feedOf(...blocks: ReturnType<typeof block>[]): DeviceFeed {
  const feed = new DeviceFeed('plant-1/pump-1')
  const result = { sid: 1_000, ok: true, recovered: true, more: false, head: at(0) } as const
  feed.subscribed(result, [], null)
  feed.knownFromMs = T0
  for (const next of blocks) feed.push(next)
  return feed
}

/** As of the window's end. */
function readColumns(feed: DeviceFeed, metric: string, asked: typeof range): ChartColumns {
  return read(new Timeline(feed), metric, { ...asked, nowMs: asked.toMs })
}
function gapsIn(feed: DeviceFeed, nowMs: number): number {
  return new Timeline(feed).figures('temperature', { ...range, nowMs }).gaps
}

describe('min/max buckets', () => {
  it('keeps the lowest and highest reading of each bucket, in order, and invents none', () => {
    const columns = fc.array(fc.tuple(fc.nat(10_000), fc.integer({ min: -50, max: 50 })), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(columns, fc.constantFrom(100, 1_000, 5_000), (rows, bucketMs) => {
        rows.sort((a, b) => a[0] - b[0])
        const ts = Float64Array.from(rows, ([time]) => time)
        const values = Float64Array.from(rows, ([, value]) => value)
        const thin = minMaxBuckets(ts, values, { from: 0, to: rows.length, bucketMs })
        expect(thin.x).toEqual([...thin.x].sort((a, b) => a - b))
        for (const [time, value] of rows) {
          const inBucket = thin.y.filter(
            (_, i) => Math.floor(thin.x[i]! / bucketMs) === Math.floor(time / bucketMs),
          )
          expect(Math.min(...inBucket)).toBeLessThanOrEqual(value)
          expect(Math.max(...inBucket)).toBeGreaterThanOrEqual(value)
        }
        for (const [i, x] of thin.x.entries()) expect(rows).toContainEqual([x, thin.y[i]])
      }),
    )
  })

  it('cuts at the epoch: moving the window moves no point that stays inside', () => {
    const feed = feedOf(block(1, 600))
    const wide = { pixels: 50 }
    const now = readColumns(feed, 'temperature', { fromMs: T0, toMs: T0 + 500_000, ...wide })
    const later = readColumns(feed, 'temperature', {
      fromMs: T0 + 3_000,
      toMs: T0 + 503_000,
      ...wide,
    })
    const inside = (x: number): boolean => x > T0 + 20_000 && x < T0 + 480_000
    expect(later.x.filter(inside)).toEqual(now.x.filter(inside))
    expect(now.bucketMs).toBe(10_000)
  })

  it('chooses a round bucket', () => {
    expect(bucketMsFor(300_000, 600)).toBe(500)
    expect(bucketMsFor(3_600_000, 600)).toBe(10_000)
  })
})

describe('chart columns', () => {
  it('gives every reading when there are at most two for a pixel', () => {
    const columns = readColumns(feedOf(block(1, 30)), 'temperature', until(30))
    expect(columns.y).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
    expect(columns).toMatchObject({ bucketMs: null, min: 1, max: 30, bands: [] })
  })

  it('breaks the line where the device was silent by its own counter, and says how long', () => {
    const later = block(25, 30, { prev: at(10), n: [11, 12, 13, 14, 15, 16] })
    const columns = readColumns(feedOf(block(1, 10), later), 'temperature', until(30))
    expect(columns.y.filter((value) => Number.isNaN(value))).toHaveLength(1)
    expect(columns.bands).toMatchObject([
      { tone: 'silent', form: 'hatch', text: 'device sent nothing for 15 s' },
    ])
  })

  it('never blames the device for readings that it counted and nobody received', () => {
    const feed = feedOf(
      block(1, 10),
      block(25, 30, { prev: at(10) }),
      block(32, 33, { prev: at(30) }),
    )
    expect(readColumns(feed, 'temperature', until(37)).bands).toMatchObject([
      { tone: 'lost', label: '14 missing', text: '14 readings of the device never arrived (15 s)' },
      // They may have been overtaken.
      { tone: 'open', label: 'awaited', text: '1 reading not here yet' },
    ])
    expect(gapsIn(feed, until(37).toMs)).toBe(2)
    feed.push(block(11, 24, { prev: at(33), position: at(34) }))
    expect(gapsIn(feed, until(37).toMs)).toBe(1)
  })

  it('blames nobody when the device restarted or does not count', () => {
    for (const change of [
      { boot: 'b2', n: [1, 2, 3, 4, 5, 6] },
      { n: undefined },
    ] as Partial<Block>[]) {
      const feed = feedOf(block(1, 10), block(25, 30, { prev: at(10), ...change }))
      const { bands } = readColumns(feed, 'temperature', until(30))
      expect(bands).toMatchObject([{ tone: 'silent', text: 'no reading for 15 s' }])
      expect(gapsIn(feed, until(30).toMs)).toBe(1)
    }
  })

  it('breaks the line at a hole however short it is, and blames the way, not the device', () => {
    const feed = feedOf(block(1, 10), block(12, 20))
    const columns = readColumns(feed, 'temperature', until(20))
    expect(columns.y.filter((value) => Number.isNaN(value))).toHaveLength(1)
    expect(columns.bands).toMatchObject([{ tone: 'open', form: 'hatch' }])
  })

  it('leaves a tick on the axis when the hole is repaired, and the line is whole', () => {
    const feed = feedOf(block(1, 10), block(12, 20), block(11))
    feed.resumed(1)
    const columns = readColumns(feed, 'temperature', until(20))
    expect(columns.y).not.toContain(Number.NaN)
    expect(columns.bands).toMatchObject([{ tone: 'repaired', form: 'tick' }])
  })

  it('marks the time since the newest reading once it is too long, and blames nobody for it', () => {
    const feed = feedOf(block(1, 30))
    expect(readColumns(feed, 'temperature', until(34)).bands).toEqual([])
    expect(readColumns(feed, 'temperature', until(50)).bands).toMatchObject([
      { fromMs: T0 + 30_000, toMs: T0 + 50_000, text: 'nothing received for 20 s' },
    ])
  })

  it('says that the connection is down, and nothing else, while it is', () => {
    const feed = feedOf(block(1, 30))
    feed.disconnected(T0 + 31_000)
    expect(readColumns(feed, 'temperature', range).bands).toMatchObject([
      { fromMs: T0 + 30_000, toMs: range.toMs, label: 'connection down' },
    ])
  })

  it('lists late readings apart, to be drawn hollow', () => {
    const feed = feedOf(block(1), block(3), block(2))
    expect(readColumns(feed, 'temperature', range).late.y).toEqual([2])
  })
})

describe('the window of a young series', () => {
  it('begins at the oldest reading until the window is full, a minute at least', () => {
    const shown = (oldestMs: number | undefined): number =>
      T0 - shownRange(T0, 300_000, oldestMs).fromMs
    expect(shown(T0 - 5_000)).toBe(60_000)
    expect(shown(T0 - 120_000)).toBe(120_000)
    expect(shown(T0 - 900_000)).toBe(300_000)
    expect(shown(Infinity)).toBe(60_000)
    expect(shown(undefined)).toBe(300_000)
  })
})

describe('scales', () => {
  it('puts time ticks on round times', () => {
    expect(timeTicks(T0 + 7_000, T0 + 67_000, 6)).toEqual(
      [10, 20, 30, 40, 50, 60].map((s) => T0 + s * 1_000),
    )
  })

  it('grows the value axis at once and keeps it while the data fills a third of it', () => {
    const first = calmBounds({ min: 20, max: 24 }, undefined, 1)
    expect(calmBounds({ min: 21, max: 24 }, first, 1)).toBe(first)
    expect(calmBounds({ min: 20, max: 60 }, first, 1).max).toBeGreaterThanOrEqual(60)
    expect(calmBounds({ min: 21, max: 21.5 }, first, 0.1)).not.toBe(first)
  })

  it('shows nothing below zero for values that are never negative', () => {
    expect(calmBounds({ min: 0, max: 2_960 }, undefined, 1).min).toBe(0)
    expect(calmBounds({ min: -3, max: 40 }, undefined, 1).min).toBeLessThan(-3)
  })

  it('shows a flat line inside its bounds, with round ticks', () => {
    const bounds = calmBounds({ min: 5, max: 5 }, undefined, 1)
    expect(bounds.min).toBeLessThan(5)
    expect(bounds.max).toBeGreaterThan(5)
    expect(valueTicks({ min: 0, max: 20, step: 5 })).toEqual([0, 5, 10, 15, 20])
  })
})
