import { describe, expect, it } from 'vitest'
import { serializeBlock } from '../blocks/frames.ts'
import { createNotices } from './notices.ts'
import type { DispatchResult } from './send-messages.ts'

const body = serializeBlock({ topic: 'plant-1/p', prev: null, position: '', ts: [1], metrics: {} })
const frame = { message: '', entries: [{ sid: 1, topic: 'plant-1/p', body }] }
const missed = (connectionId: string): DispatchResult => ({
  connectionId,
  connectedAt: 0,
  outcome: 'slow',
  posts: { ok: 0, gone: 0, throttled: 0, slow: 1, failed: 0, forbidden: 0 },
  messagesSent: 0,
  delivered: [],
  unsent: [frame],
  gap: 'slow',
})
const arrived = (connectionId: string, messagesSent: number): DispatchResult => ({
  ...missed(connectionId),
  outcome: 'ok',
  messagesSent,
  unsent: [],
  gap: undefined,
})

describe('notices', () => {
  it('of a connection that came after thousands that never came back are still told', () => {
    const notices = createNotices()
    for (let i = 0; i < 6_000; i++) notices.confirm(missed(`lost-${i}`))
    expect(notices.confirm(missed('ana'))).toBe(1)
    expect(notices.take('ana', 'full')).toEqual([
      JSON.stringify({ type: 'gap', sid: 1, topic: 'plant-1/p', reason: 'slow' }),
    ])
  })

  it('are told until they arrive, and then not again', () => {
    const notices = createNotices()
    notices.confirm(missed('ana'))
    expect(notices.take('ana', 'full')).toHaveLength(1)
    notices.confirm(arrived('ana', 0))
    expect(notices.take('ana', 'full')).toHaveLength(1)
    notices.confirm(arrived('ana', 1))
    expect(notices.take('ana', 'full')).toEqual([])
  })

  it('say once that it gets single readings, and once that it gets everything again', () => {
    const notices = createNotices()
    const modes = (['slow', 'slow', 'recovered', 'recovered', 'full', 'slow'] as const).map(
      (pace) => {
        const messages = notices.take('ana', pace)
        notices.confirm(arrived('ana', messages.length))
        return messages.map((message) => (JSON.parse(message) as { mode: string }).mode)
      },
    )
    expect(modes).toEqual([['latest'], [], ['complete'], [], [], ['latest']])
  })
})
