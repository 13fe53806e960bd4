import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { alarms, device, fleet, now, open, welcome, withPages } from './open-page.ts'

withPages()

describe('device page', () => {
  it('shows a card per metric with the newest value and the figures of the window', async () => {
    const { page } = await open('/d/plant-1/pump-1', [welcome(['operator']), fleet, device, alarms])
    const card = page.get('[data-testid="chart-temperature"]')
    expect(card.get('[data-testid="last-value"]').text()).toBe('54')
    expect(card.get('footer').text()).toMatch(/min\s*50.*avg\s*52\.0.*max\s*54/)
    expect(card.get('[role="img"]').attributes('aria-label')).toContain('Temperature: 54, live')
    expect(page.find('[data-testid="chart-pressure"]').exists()).toBe(true)
  })

  it('shows a note as text, never as markup', async () => {
    const { page } = await open('/d/plant-1/pump-1', [welcome(['operator']), fleet, device, alarms])
    const note = page.get('[data-testid="note"]')
    expect(note.text()).toContain('bearing <b>replaced</b>')
    expect(note.find('b').exists()).toBe(false)
  })

  it('offers commands to an operator and none to a viewer', async () => {
    const recording = [fleet, device, alarms]
    const operator = await open('/d/plant-1/pump-1', [welcome(['operator']), ...recording])
    expect(operator.page.find('[data-testid="command-identify"]').exists()).toBe(true)
    const viewer = await open('/d/plant-1/pump-1', [welcome(['viewer']), ...recording])
    expect(viewer.page.find('[data-testid="command-identify"]').exists()).toBe(false)
    expect(viewer.page.get('[data-testid="commands"]').text()).toContain('role operator')
  })
})

describe('the window of a device page', () => {
  it('is the live one when a link names a time that there is not', async () => {
    const { page } = await open('/d/plant-1/pump-1?at=1e20', [
      welcome(['operator']),
      fleet,
      device,
      alarms,
    ])
    expect(page.find('[data-testid="go-live"]').exists()).toBe(false)
    expect(page.get('[data-testid="last-value"]').text()).not.toBe('')
  })

  it('names the day when it is another one', async () => {
    const yesterday = now - 86_400_000
    const { page } = await open(`/d/plant-1/pump-1?at=${yesterday}`, [
      welcome(['operator']),
      fleet,
      device,
      alarms,
    ])
    const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
    expect(page.get('[data-testid="go-live"]').text()).toContain(day.format(yesterday))
  })
})

describe('panels of the device page', () => {
  const path = '/d/plant-1/pump-1'
  const sendSetPoint = (page: VueWrapper): void =>
    page.get('[data-testid="command-setPoint"]').element.closest('form')?.requestSubmit()

  it('offers the metrics of the device for a set point, the first at its newest value', async () => {
    const { page, asked } = await open(path, [welcome(['operator']), fleet, device, alarms])
    const metric = page.get<HTMLSelectElement>('[data-testid="set-point-metric"]')
    expect(metric.findAll('option').map((option) => option.text())).toEqual([
      'Temperature',
      'Pressure',
    ])
    sendSetPoint(page)
    expect(asked('command')).toMatchObject([
      { name: 'setPoint', args: { metric: 'temperature', value: 54.25 } },
    ])
  })

  it('sends the set point of the metric that was chosen, with the value that was typed', async () => {
    const { page, asked } = await open(path, [welcome(['operator']), fleet, device, alarms])
    await page.get('[data-testid="set-point-metric"]').setValue('pressure')
    const value = page.get<HTMLInputElement>('[data-testid="set-point-value"]')
    expect(value.element.value).toBe('4.5')
    await value.setValue('3.25')
    await vi.advanceTimersByTimeAsync(1_000)
    sendSetPoint(page)
    expect(asked('command')).toMatchObject([{ args: { metric: 'pressure', value: 3.25 } }])
  })

  it('says why a command or a note was not taken, each in its own panel', async () => {
    const { page } = await open(path, [welcome(['operator']), fleet, device, alarms])
    await page.get('[data-testid="command-identify"]').trigger('click')
    await flushPromises()
    expect(page.get('[data-testid="commands"] [role="alert"]').text()).toContain('command')
    expect(page.find('[data-testid="notes"] [role="alert"]').exists()).toBe(false)
    await page.get('[data-testid="note-text"]').setValue('bearing replaced')
    await page.get('[data-testid="notes"] form').trigger('submit')
    await flushPromises()
    expect(page.get('[data-testid="notes"] [role="alert"]').text()).toContain('sendMessage')
  })
})
