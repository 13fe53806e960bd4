import { CloudWatchClient, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { DashboardPage } from '../support/dashboard-page.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'

let system: SharedSystem
let browser: Browser
let olli: DashboardPage
let cloudwatch: CloudWatchClient

const gone = 'plant-1/gone'
const alarm = 'Gaugeline-deliver-errors'

beforeAll(async () => {
  ;[system, browser] = await Promise.all([sharedSystem(), launchBrowser()])
  const { endpoints } = system
  const device = await connectMqtt(endpoints.mqtt)
  await publishReading(device, gone, { temperature: 21.4, pressure: 4.2 })
  await device.endAsync()
  olli = await DashboardPage.signIn(browser, endpoints.dashboard, 'olli')
  cloudwatch = new CloudWatchClient({
    endpoint: endpoints.aws,
    region: endpoints.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
})

afterAll(async () => {
  cloudwatch.destroy()
  await browser.close()
})

/** Opens each page in the state that has most to read: a device that is not live, its charts, an alarm that is raised. */
const pages: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async fleet(page) {
    await page.getByTestId('nav-fleet').click()
    // Other tests have devices in this fleet too, and only the rows on the screen are there.
    await page.getByTestId('fleet-search').fill('plant-1/gone')
    await page.locator(`[data-testid="device-${gone}"]:not([data-status="live"])`).waitFor()
  },
  async device(page) {
    await page.goto(new URL(`/d/${gone}`, page.url()).href)
    await page.getByTestId('chart-temperature').waitFor()
  },
  async alarms(page) {
    // The next evaluation takes a state that was set by hand back, within the minute.
    const StateValue = 'ALARM'
    await cloudwatch.send(
      new SetAlarmStateCommand({ AlarmName: alarm, StateValue, StateReason: 'a test' }),
    )
    await page.getByTestId('nav-alarms').click()
    await page.locator(`[data-testid="alarm-${alarm}"][data-group="open"]`).waitFor()
  },
}

/** Rules broken on the page as it is now, with the elements that break them; moderate and minor ones are advice. */
async function seriousViolations(page: Page): Promise<string[]> {
  // Evaluated by the debugger and not as a script of the page, whose policy allows no foreign one.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`))
}

describe.each([
  { size: 'desk', viewport: { width: 1_440, height: 900 } },
  { size: 'phone', viewport: { width: 390, height: 844 } },
])('axe on the dashboard, $size', ({ viewport }) => {
  it.each(['dark', 'light'])('finds no serious violation on any page, %s', async (theme) => {
    const { page } = olli
    await page.setViewportSize(viewport)
    const shown = await page.evaluate(() => document.documentElement.dataset['theme'] ?? 'dark')
    if (shown !== theme) await page.getByTestId('theme').click()
    await page.waitForFunction(
      (wanted) => (document.documentElement.dataset['theme'] ?? 'dark') === wanted,
      theme,
    )
    const found: Record<string, string[]> = {}
    for (const [name, open] of Object.entries(pages)) {
      await open(page)
      found[name] = await seriousViolations(page)
    }
    expect(found).toEqual({ fleet: [], device: [], alarms: [] })
  })
})

describe('axe itself', () => {
  it('finds what is broken on purpose: text that nobody can read and a button without a name', async () => {
    const { page } = olli
    await page.evaluate(() => {
      const text = document.createElement('p')
      text.id = 'pale'
      text.textContent = 'nobody reads this'
      text.style.cssText = 'position:fixed;top:0;z-index:99;color:#888;background:#777'
      const button = document.createElement('button')
      button.id = 'nameless'
      document.body.append(text, button)
    })
    const found = await seriousViolations(page)
    expect(found).toEqual(
      expect.arrayContaining(['color-contrast: #pale', 'button-name: #nameless']),
    )
  })
})
