import { describe, expect, it } from 'vitest'
import { toCsv } from './csv.ts'
import { DeviceFeed } from './stream/device-feed.ts'
import { at, block } from './stream/test-blocks.ts'
import { Timeline } from './timeline/timeline.ts'

const T0 = 1_700_000_000_000
const second = (n: number): string => new Date(T0 + n * 1_000).toISOString()

function timelineOf(...blocks: ReturnType<typeof block>[]): Timeline {
  const feed = new DeviceFeed('a/b')
  feed.knownFromMs = T0
  for (const one of blocks) feed.push(one)
  return new Timeline(feed)
}
function lines(timeline: Timeline, toS: number, metrics?: string[]): string[] {
  const range = { fromMs: T0, toMs: T0 + toS * 1_000, nowMs: T0 + toS * 1_000 }
  return toCsv(timeline, range, metrics).text.split('\r\n').slice(0, -1)
}

describe('CSV of a window', () => {
  it('has one row for each reading, empty fields for missing values, and no formula', () => {
    const metrics = { '=cmd': [1, 2, null], temperature: [20.5, 21, 22] }
    const timeline = timelineOf(block(1, 3, { prev: at(0), metrics }))
    expect(lines(timeline, 3)).toEqual([
      "time,'=cmd,temperature",
      `${second(1)},1,20.5`,
      `${second(2)},2,21`,
      `${second(3)},,22`,
    ])
  })

  it('has a row for each hole, which says until when, of which metrics and why', () => {
    const values = [1, 2, null, null, 5, 6]
    const part = { temperature: values, flow: values.map((_, i) => i) }
    const timeline = timelineOf(
      block(1, 6, { prev: at(0), metrics: part }),
      block(27, 28, { prev: at(6), metrics: { temperature: [27, 28], flow: [27, 28] } }),
    )
    expect(lines(timeline, 40).filter((line) => !line.endsWith(','))).toEqual([
      'time,temperature,flow,gap',
      `${second(2)},,,temperature: not sent until ${second(5)}`,
      `${second(6)},,,20 readings of the device never arrived until ${second(27)}`,
      `${second(28)},,,nothing received since until ${second(40)}`,
    ])
  })

  it('says what it could not load, and is not complete then', () => {
    const timeline = timelineOf(block(1, 3, { prev: at(0) }))
    const range = { fromMs: T0 - 60_000, toMs: T0 + 3_000, nowMs: T0 + 3_000 }
    const file = toCsv(timeline, range)
    expect(file.isComplete).toBe(false)
    expect(file.text).toContain(`${second(-60)},,not loaded until ${second(0)}`)
  })

  it('has the averages of what is only known in buckets, and says over how long', () => {
    const timeline = timelineOf(block(1, 3, { prev: at(0) }))
    const { past } = timeline
    past.begin({ fromMs: T0 - 20_000, toMs: T0, bucketMs: 10_000 })
    const column = { min: [1], minAt: [0], max: [3], maxAt: [1], avg: [2], count: [10], holes: [] }
    const buckets = { topic: 'a/b', bucketMs: 10_000, ts: [T0 - 20_000] }
    past.keep({
      type: 'history',
      id: 1,
      topic: 'a/b',
      buckets: { ...buckets, metrics: { temperature: column } },
      cursor: null,
      complete: true,
      keptFromMs: 0,
    })
    past.done()
    const range = { fromMs: T0 - 20_000, toMs: T0 + 2_000, nowMs: T0 + 3_000 }
    const file = toCsv(timeline, range, ['temperature'])
    expect(file).toMatchObject({ isComplete: true })
    expect(file.text.split('\r\n').slice(0, 3)).toEqual([
      'time,temperature,averaged_over_ms',
      `${second(-20)},2,10000`,
      `${second(1)},1,`,
    ])
  })
})
