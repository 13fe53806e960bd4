import type { HistoryPage } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { DeviceFeed } from './device-feed.ts'
import { at, block } from './test-blocks.ts'

const now = 1_700_000_100_000
const result = { sid: 1_000, ok: true, recovered: true, more: false } as const

function page(blocks: HistoryPage['blocks'], change: Partial<HistoryPage> = {}): HistoryPage {
  return {
    type: 'history',
    id: 1,
    topic: 'plant-1/pump-1',
    blocks: blocks ?? [],
    cursor: null,
    complete: true,
    keptFromMs: 0,
    ...change,
  }
}

function started(): DeviceFeed {
  const feed = new DeviceFeed('plant-1/pump-1')
  feed.subscribed({ ...result, head: at(10) }, [block(1, 10)], null)
  return feed
}

describe('device feed', () => {
  it('holds a position after the snapshot from which a resume goes on', () => {
    expect(started().position).toBe(at(10))
  })

  it('sees a hole at once by the position before a pushed block', () => {
    const feed = started()
    feed.push(block(13))
    expect(feed.holes).toEqual([{ since: at(10), until: at(12) }])
    expect(feed.gaps).toMatchObject([{ reason: 'hole', state: 'open' }])
    expect(feed.position).toBe(at(10))
  })

  it('marks the gap repaired, with its count, when the hole is filled', () => {
    const feed = started()
    feed.push(block(13))
    const [hole] = feed.holes
    feed.repaired(hole!, page([block(11, 12)]), true)
    expect(feed.holes).toEqual([])
    expect(feed.gaps).toMatchObject([{ state: 'repaired', repaired: 2 }])
    expect([...feed.series.view('temperature').values]).toEqual(
      Array.from({ length: 13 }, (_, i) => i + 1),
    )
  })

  it('says from where to where readings are lost when the server no longer keeps them', () => {
    const feed = started()
    feed.push(block(40))
    const keptFromMs = 1_700_000_030_000
    feed.repaired(feed.holes[0]!, page([block(31, 39)], { complete: false, keptFromMs }), true)
    expect(feed.gaps).toMatchObject([
      { state: 'lost', reason: 'retention', fromMs: 1_700_000_010_000, toMs: keptFromMs },
    ])
  })

  it('finds a lost tail by the head of a pong', () => {
    const feed = started()
    expect(feed.learnHead(at(10))).toBeUndefined()
    expect(feed.learnHead(at(15))).toEqual({ since: at(10), until: at(15) })
  })

  it('drops a block that is pushed again', () => {
    const feed = started()
    feed.push(block(11))
    expect(feed.push(block(11))).toBe(0)
    expect(feed.series.length).toBe(11)
  })

  it('takes the new readings of a block that was cut differently the second time', () => {
    const feed = started()
    feed.push(block(11, 13))
    expect(feed.push(block(12, 15))).toBe(2)
    expect(feed.holes).toEqual([])
    expect(feed.position).toBe(at(15))
  })

  it('turns an outage into a repaired gap when the resume brings everything', () => {
    const feed = started()
    feed.disconnected(now)
    feed.disconnected(now + 5_000)
    feed.subscribed({ ...result, head: at(20) }, [block(11, 20)], at(10))
    feed.resumed(10)
    expect(feed.gaps).toEqual([
      {
        fromMs: 1_700_000_010_000,
        toMs: 1_700_000_020_000,
        reason: 'socket-down',
        state: 'repaired',
        repaired: 10,
      },
    ])
  })

  it('marks what a resume could not bring and starts to count from the new snapshot', () => {
    const feed = started()
    feed.disconnected(now)
    const lost = { reason: 'retention', fromMs: 5, toMs: 9 } as const
    feed.subscribed({ ...result, recovered: false, lost, head: at(90) }, [block(81, 90)], at(10))
    expect(feed.gaps).toEqual([{ ...lost, state: 'lost', repaired: 0 }])
    expect(feed.holes).toEqual([])
    expect(feed.position).toBe(at(90))
  })

  it('names the rest to page for when the snapshot is only a part', () => {
    const feed = new DeviceFeed('plant-1/pump-1')
    const rest = feed.subscribed(
      { ...result, more: true, resumeFrom: at(5), head: at(10) },
      [block(1, 5)],
      null,
    )
    expect(rest).toEqual({ since: at(5), until: at(10) })
    feed.repaired(rest!, page([block(6, 10)]), true)
    expect(feed.position).toBe(at(10))
  })

  it('watches the tail of a device that was silent during the whole window', () => {
    const feed = new DeviceFeed('plant-1/pump-1')
    feed.subscribed({ ...result, head: at(10) }, [], null)
    expect(feed.position).toBe(at(10))
  })
})
