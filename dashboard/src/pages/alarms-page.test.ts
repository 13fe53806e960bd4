import type { ServerMessage } from '@gaugeline/backend/protocol'
import { flushPromises } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { formatClock } from '../format/times.ts'
import { alarms, fleet, now, open, say, welcome, withPages } from './open-page.ts'

withPages()

describe('alarms page', () => {
  it('shows an open alarm with severity in words, its meaning, impact and runbook', async () => {
    const { page } = await open('/alarms', [welcome(['operator']), fleet, alarms])
    const row = page.get('[data-testid="alarm-Gaugeline-deliver-errors"]')
    expect(row.text()).toContain('Deliver errors')
    expect(row.text()).toContain('Critical')
    const detail = page.get('[data-testid="alarm-detail"]').text()
    expect(detail).toContain('Delivery fails')
    expect(detail).toContain('Dashboards stand still')
    expect(detail).toContain('docs/runbook.md#deliver-errors')
    expect(page.get('[data-testid="alarm-ack"]').attributes('disabled')).toBeUndefined()
  })
})

describe('an alarm that is not raised', () => {
  const message = alarms.message as Extract<ServerMessage, { type: 'alarms' }>
  const state = 'INSUFFICIENT_DATA' as const
  const unknown = say({ ...message, alarms: message.alarms.map((alarm) => ({ ...alarm, state })) })

  it('opens by itself for nobody, and says what it watches for, not that it has happened', async () => {
    const { page } = await open('/alarms', [welcome(['operator']), fleet, unknown])
    expect(page.get('[data-testid="none-raised"]').text()).toContain('none is raised')
    await page.get('[data-testid="alarm-Gaugeline-deliver-errors"]').trigger('click')
    await flushPromises()
    const terms = page.get('[data-testid="alarm-detail"]').findAll('dt')
    expect(terms.map((term) => term.text())).toEqual([
      'Watches for',
      'Impact',
      'Last check',
      'Runbook',
      'CloudWatch name',
    ])
  })
})

describe('an alarm that is shelved', () => {
  it('says until when, in the list', async () => {
    const shelvedUntil = now + 3_600_000
    const message = alarms.message as Extract<ServerMessage, { type: 'alarms' }>
    const shelved = message.alarms.map((alarm) => ({ ...alarm, shelvedBy: 'ada', shelvedUntil }))
    const { page } = await open('/alarms', [
      welcome(['operator']),
      fleet,
      say({ ...message, alarms: shelved }),
    ])
    const row = page.get('[data-testid="alarm-Gaugeline-deliver-errors"]')
    expect(row.text()).toContain(`until ${formatClock(shelvedUntil, 'local', false)}`)
  })
})
