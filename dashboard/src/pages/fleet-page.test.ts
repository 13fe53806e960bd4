import type { ServerMessage } from '@gaugeline/backend/protocol'
import { flushPromises } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import type { Connection } from '../stream/stream-client.ts'
import { alarms, fleet, now, open, say, welcome, withPages } from './open-page.ts'

withPages()

describe('fleet page', () => {
  it('shows every device with state, value and age, worst first', async () => {
    const { page } = await open('/', [welcome(['operator']), fleet, alarms])
    const rows = page.findAll('[data-testid^="device-"]')
    expect(
      rows.map((row) => [row.attributes('data-testid'), row.attributes('data-status')]),
    ).toEqual([
      ['device-plant-1/pump-3', 'offline'],
      ['device-plant-1/pump-2', 'stale'],
      ['device-plant-1/silent', 'never'],
      ['device-plant-1/pump-1', 'live'],
    ])
    expect(rows[3]!.text()).toContain('54.25')
    expect(rows[2]!.text()).toContain('has never sent')
    expect(rows[1]!.text()).toContain('1 min')
  })

  it('filters by text and state, and says when nothing is left', async () => {
    const { page } = await open('/?q=pump-2', [welcome(['operator']), fleet, alarms])
    expect(page.findAll('[data-testid^="device-"]')).toHaveLength(1)
    await page.get('[data-testid="fleet-search"]').setValue('nothing')
    await flushPromises()
    expect(page.text()).toContain('0 of 4 devices match')
  })

  it('tells how to get devices when there are none', async () => {
    const none = say({ type: 'subscribed', id: 2, results: [], blocks: [], states: [], notes: [] })
    const everything = { ...welcome(['operator']).message, devices: ['#'] } as ServerMessage
    const { page } = await open('/', [say(everything), none, alarms])
    expect(page.get('[data-testid="no-devices"]').text()).toContain('npm run simulate -- demo')
  })
})

describe('while the service is away', () => {
  const lost: Partial<Connection> = { phase: 'reconnecting', lostAt: now, nextTryAt: now + 9_000 }

  it('counts down to the next try, and says from which time the values are, with no message coming', async () => {
    const { page, change } = await open('/', [welcome(['operator']), fleet, alarms])
    change({ ...lost, lastReceivedAt: now })
    const state = (): string => page.get('[data-testid="connection-state"]').text()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(state()).toContain('next in 7 s')
    expect(page.text()).toContain('Connection down: values and states as of')
    await vi.advanceTimersByTimeAsync(3_000)
    expect(state()).toContain('next in 4 s')
  })

  it('says that it does not answer when nothing has been loaded yet', async () => {
    const { page, change } = await open('/', [])
    expect(page.find('[data-testid="unreachable"]').exists()).toBe(false)
    change(lost)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(page.get('[data-testid="unreachable"]').text()).toContain('does not answer')
  })
})
