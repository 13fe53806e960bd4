import type { MqttClient } from 'mqtt'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { DashboardPage } from '../support/dashboard-page.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

/** What a device sends and nobody can use is no silence: who may see the device sees why. */
let system: SharedSystem
let browser: Browser
let device: MqttClient
let ana: DashboardPage
const topic = 'plant-1/tasmota'
const sensor = { Time: '2026-01-01T00:00:00', AM2301: { Temperature: 21.5 } }

beforeAll(async () => {
  ;[system, browser] = await Promise.all([sharedSystem(), launchBrowser()])
  device = await connectMqtt(system.endpoints.mqtt)
  ana = await DashboardPage.signIn(browser, system.endpoints.dashboard, 'ana')
})
afterAll(async () => {
  await browser.close()
  await device.endAsync(true)
})

describe('a device whose payloads are refused', () => {
  it('is in the fleet as such, with the reason and how many', async () => {
    for (let i = 0; i < 3; i++) await publishReading(device, topic, sensor)
    const row = ana.page.getByTestId(`device-${topic}`)
    await row.filter({ hasText: '3 refused' }).waitFor({ timeout: 30_000 })
    expect(await row.getAttribute('data-status')).toBe('refused')
    expect(await row.textContent()).toMatch(/“Time” is a text, no number \(VALUE_NOT_NUMBER\)/)
    await ana.page.reload()
    await row.filter({ hasText: '3 refused' }).waitFor({ timeout: 30_000 })
  })

  it('says so on its page, with an example, instead of waiting for a first reading', async () => {
    await ana.openDevice(topic)
    const notice = ana.page.getByTestId('refused')
    await notice.filter({ hasText: '3 payloads were refused' }).waitFor({ timeout: 30_000 })
    expect(await ana.page.getByTestId('refused-example').textContent()).toBe(JSON.stringify(sensor))
    expect(await ana.page.getByTestId('waiting').textContent()).not.toMatch(/Waiting for the first/)
  })

  it('keeps the good readings of a list, and names the bad one by its place', async () => {
    const list = Array.from({ length: 500 }, (_, i) => ({ t: i === 137 ? 'x' : i }))
    await publishReading(device, 'plant-1/list', list)
    await ana.openDevice('plant-1/list')
    await waitFor(
      async () => (await ana.series('plant-1/list', 't'))?.ts.length === 499 || undefined,
      'the 499 good ones',
    )
    await ana.page
      .getByTestId('refused')
      .filter({ hasText: 'reading 138 of its list: “t” is a text' })
      .waitFor({ timeout: 30_000 })
  })

  it('shows a soil sensor’s nitrogen as a metric like the others', async () => {
    await publishReading(device, 'plant-1/soil', { n: 12, p: 30, k: 80 })
    await waitFor(async () => {
      const held = await ana.latest('plant-1/soil')
      return (held?.['n'] === 12 && held['p'] === 30 && held['k'] === 80) || undefined
    }, 'three metrics')
    expect(ana.problems).toEqual([])
  })
})
