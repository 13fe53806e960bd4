import { mkdirSync } from 'node:fs'
import type { Page } from 'playwright-core'
import {
  type DevDashboard,
  type DevDashboardOptions,
  serveDashboard,
} from '../dashboard/dev/serve.ts'
import { launchBrowser } from './support/browser.ts'

/** `npx tsx test/screenshots.ts DIR [SCENE…]`: pictures of every state of the dashboard, dark and light, wide and phone. */
const [folder = 'screenshots', ...wanted] = process.argv.slice(2)
const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }

interface Scene {
  readonly name: string
  readonly path: string
  readonly server?: Partial<DevDashboardOptions>
  /** What must be seen in every picture, by its test id. */
  readonly show?: string
  readonly act?: (stage: Stage) => Promise<void>
}

interface Stage {
  readonly page: Page
  readonly fake: DevDashboard['fake']
}

const scenes: readonly Scene[] = [
  { name: 'fleet', path: '/', act: ({ page, fake }) => settle(page, fake.devices[4], 9_000) },
  { name: 'device', path: '/d/plant-1/pump-1', act: hoverChart },
  { name: 'device-15', path: '/d/plant-2/motor-1?w=15' },
  { name: 'device-limits', path: '/d/plant-1/pump-1?limits=temperature~50~56,flow~~90' },
  { name: 'device-zoom', path: '/d/plant-1/pump-1', act: zoom },
  { name: 'device-menu', path: '/d/plant-1/pump-1', act: menu },
  { name: 'device-table', path: '/d/plant-1/pump-1', act: tables },
  { name: 'thousand', path: '/', server: { devices: 1_000, historyMs: 60_000 } },
  { name: 'empty', path: '/', server: { devices: 0 } },
  { name: 'no-history', path: '/d/plant-1/pump-1?w=60', server: { historyMs: 0 } },
  { name: 'never-sent', path: '/d/plant-1/pump-1', server: { historyMs: 0, tickMs: 600_000 } },
  { name: 'first-load', path: '/', act: unanswered },
  { name: 'first-load-device', path: '/d/plant-1/pump-1', act: unanswered },
  { name: 'forbidden', path: '/d/plant-3/pump-1' },
  {
    name: 'stale',
    path: '/d/plant-1/pump-1',
    act: ({ page, fake }) => settle(page, fake.devices[0], 14_000),
  },
  { name: 'reconnecting', path: '/d/plant-1/pump-1', act: reconnecting },
  { name: 'back', path: '/d/plant-1/pump-1', act: back },
  { name: 'gap', path: '/d/plant-1/pump-1', act: gaps },
  { name: 'reconnecting-fleet', path: '/', act: reconnecting },
  { name: 'alarms-quiet', path: '/alarms' },
  { name: 'alarms', path: '/alarms', act: storm },
  { name: 'alarms-50', path: '/alarms', server: { alarms: 60 }, act: stormOf50 },
  { name: 'panels', path: '/d/plant-1/pump-1', act: panels, show: 'notes' },
  { name: 'revoked', path: '/d/plant-1/pump-1', act: revoked },
  { name: 'session-ends', path: '/', server: { tokenMs: 200_000 } },
  { name: 'expired', path: '/d/plant-1/pump-1', act: expired },
  { name: 'alarm', path: '/alarms?alarm=Gaugeline-deliver-errors', act: storm },
  { name: 'about', path: '/about' },
  { name: 'palette', path: '/', act: ({ page }) => page.keyboard.press('Control+k') },
  { name: 'sign-in', path: '/sign-in' },
]

async function settle(
  page: Page,
  silent: { isSilent: boolean } | undefined,
  ms: number,
): Promise<void> {
  if (silent) silent.isSilent = true
  await page.waitForTimeout(ms)
}
async function hoverChart({ page }: Stage): Promise<void> {
  await page.waitForTimeout(2_500)
  const box = await page.getByTestId('chart-temperature').boundingBox()
  if (box) await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5)
  await page.waitForTimeout(700)
}
async function reconnecting({ page, fake }: Stage): Promise<void> {
  await page.waitForTimeout(2_000)
  fake.cut()
  await page.waitForTimeout(6_000)
}
async function back(stage: Stage): Promise<void> {
  const { page, fake } = stage
  await reconnecting(stage)
  fake.accept()
  await page.waitForFunction(() => window.__gaugeline?.connection().phase === 'live', undefined, {
    timeout: 30_000,
  })
  await page.waitForTimeout(1_500)
}
async function gaps({ page, fake }: Stage): Promise<void> {
  await page.waitForTimeout(1_500)
  const [device] = fake.devices
  if (device) device.isSilent = true
  await page.waitForTimeout(9_000)
  if (device) device.isSilent = false
  await page.waitForTimeout(2_500)
}
async function storm({ page, fake }: Stage): Promise<void> {
  const since = Date.now()
  const reason =
    'Threshold Crossed: 3 datapoints [41.0, 37.0, 12.0] were greater than the threshold (0.0).'
  for (const name of ['deliver-errors', 'iterator-age', 'posts-throttled', 'connect-denied']) {
    fake.alarm(`Gaugeline-${name}`, { state: 'ALARM', since, reason })
  }
  fake.alarm('Gaugeline-heartbeat', { state: 'INSUFFICIENT_DATA', since })
  fake.alarm('Gaugeline-posts-throttled', { acknowledgedBy: 'olli', acknowledgedAt: since })
  fake.alarm('Gaugeline-rule-errors', { shelvedUntil: since + 3_600_000, shelvedBy: 'ada' })
  await page.waitForTimeout(1_200)
}

async function panels({ page }: Stage): Promise<void> {
  await page.getByTestId('note-text').fill('bearing replaced, runs at 80 % until Friday')
  await page.getByTestId('note-send').click()
  await page.getByTestId('command-identify').click()
  await page.getByTestId('command-setPoint').click()
  await page.waitForTimeout(1_500)
}
async function revoked({ page, fake }: Stage): Promise<void> {
  fake.revoke()
  await page.waitForTimeout(1_500)
}

async function expired({ page, fake }: Stage): Promise<void> {
  fake.expire()
  await page.waitForTimeout(2_500)
}
async function zoom({ page }: Stage): Promise<void> {
  await page.waitForTimeout(1_500)
  const box = await page.getByTestId('chart-flow').locator('canvas').boundingBox()
  if (!box) return
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.5)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.8, box.y + box.height * 0.5, { steps: 4 })
  await page.mouse.up()
  await page.waitForTimeout(1_500)
}
async function menu({ page }: Stage): Promise<void> {
  await page.getByTestId('chart-flow').getByRole('button').first().click()
  await page.getByTestId('chart-limits').click()
  await page.getByTestId('chart-temperature').getByRole('button').first().click()
}
async function tables({ page }: Stage): Promise<void> {
  for (const metric of ['temperature', 'flow']) {
    await page.getByTestId(`chart-${metric}`).getByRole('button').first().click()
    await page.getByTestId('chart-table').click()
  }
}
async function unanswered({ page, fake }: Stage): Promise<void> {
  fake.cut()
  await page.reload()
  await page.waitForTimeout(2_500)
}
async function stormOf50({ page, fake }: Stage): Promise<void> {
  const since = Date.now()
  const reason = 'Threshold Crossed: 3 datapoints were greater than the threshold (0.0).'
  fake.raise(50, { since, reason })
  await page.waitForTimeout(2_500)
}

/** One page for all pictures: the packaged Chromium is a single process and ends with its first page. */
async function shoot(page: Page, scene: Scene): Promise<void> {
  const dashboard = await serveDashboard({ devices: 24, ...scene.server })
  await page.setViewportSize(sizes.wide)
  await page.goto(dashboard.url + scene.path)
  await page.waitForTimeout(1_500)
  await scene.act?.({ page, fake: dashboard.fake })
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.waitForTimeout(700)
      if (scene.show) await page.getByTestId(scene.show).scrollIntoViewIfNeeded()
      await page.screenshot({ path: `${folder}/${scene.name}-${size}-${colorScheme}.png` })
    }
  }
  await page.goto('about:blank')
  await dashboard.close()
}

mkdirSync(folder, { recursive: true })
const browser = await launchBrowser()
const page = await browser.newPage()
page.on('console', (message) => {
  if (message.type() === 'error') process.stderr.write(`${page.url()}: ${message.text()}\n`)
})
page.on('pageerror', (error) => process.stderr.write(`${page.url()}: ${error.message}\n`))
for (const scene of scenes) {
  if (wanted.length === 0 || wanted.includes(scene.name)) await shoot(page, scene)
}
await browser.close()
