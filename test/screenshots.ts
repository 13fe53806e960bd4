import { mkdirSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { type DevDashboard, serveDashboard } from '../dashboard/dev/serve.ts'
import { launchBrowser } from './support/browser.ts'

/** `npx tsx test/screenshots.ts DIR [SCENE…]`: pictures of every state of the dashboard, dark and light, wide and phone. */
const [folder = 'screenshots', ...wanted] = process.argv.slice(2)
const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }

interface Scene {
  readonly name: string
  readonly devices?: number
  readonly path: string
  /** What must be seen in every picture, by its test id. */
  readonly show?: string
  readonly act?: (page: Page, dashboard: DevDashboard) => Promise<void>
}

const scenes: readonly Scene[] = [
  { name: 'fleet', path: '/', act: (page, { fake }) => settle(page, fake.devices[4], 9_000) },
  { name: 'device', path: '/d/plant-1/pump-1', act: hoverChart },
  { name: 'device-15', path: '/d/plant-2/motor-1?w=15' },
  { name: 'empty', path: '/', devices: 0 },
  { name: 'reconnecting', path: '/d/plant-1/pump-1', act: reconnecting },
  { name: 'back', path: '/d/plant-1/pump-1', act: back },
  { name: 'gap', path: '/d/plant-1/pump-1', act: gaps },
  { name: 'alarms', path: '/alarms', act: storm },
  { name: 'panels', path: '/d/plant-1/pump-1', act: panels, show: 'notes' },
  { name: 'revoked', path: '/d/plant-1/pump-1', act: revoked },
  { name: 'alarm', path: '/alarms?alarm=Gaugeline-deliver-errors', act: storm },
  { name: 'about', path: '/about' },
  { name: 'palette', path: '/', act: (page) => page.keyboard.press('Control+k') },
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
async function hoverChart(page: Page): Promise<void> {
  await page.waitForTimeout(2_500)
  const box = await page.getByTestId('chart-temperature').boundingBox()
  if (box) await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5)
  await page.waitForTimeout(700)
}
async function reconnecting(page: Page, { fake }: DevDashboard): Promise<void> {
  await page.waitForTimeout(2_000)
  fake.cut()
  await page.waitForTimeout(6_000)
}
async function back(page: Page, dashboard: DevDashboard): Promise<void> {
  await reconnecting(page, dashboard)
  dashboard.fake.accept()
  await page.waitForFunction(() => window.__gaugeline?.connection().phase === 'live', undefined, {
    timeout: 30_000,
  })
  await page.waitForTimeout(1_500)
}
async function gaps(page: Page, { fake }: DevDashboard): Promise<void> {
  await page.waitForTimeout(1_500)
  const [device] = fake.devices
  if (device) device.isSilent = true
  await page.waitForTimeout(9_000)
  if (device) device.isSilent = false
  await page.waitForTimeout(2_500)
}
async function storm(page: Page, { fake }: DevDashboard): Promise<void> {
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

async function panels(page: Page): Promise<void> {
  await page.getByTestId('note-text').fill('bearing replaced, runs at 80 % until Friday')
  await page.getByTestId('note-send').click()
  await page.getByTestId('command-identify').click()
  await page.getByTestId('command-setPoint').click()
  await page.waitForTimeout(1_500)
}
async function revoked(page: Page, { fake }: DevDashboard): Promise<void> {
  fake.revoke()
  await page.waitForTimeout(1_500)
}

/** One page for all pictures: the packaged Chromium is a single process and ends with its first page. */
async function shoot(page: Page, scene: Scene): Promise<void> {
  const dashboard = await serveDashboard({ devices: scene.devices ?? 24 })
  await page.setViewportSize(sizes.wide)
  await page.goto(dashboard.url + scene.path)
  await page.waitForTimeout(1_500)
  await scene.act?.(page, dashboard)
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
