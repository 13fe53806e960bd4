import { mkdirSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type DevDashboard, serveDashboard } from './serve.ts'

/** `npx tsx dashboard/dev/screenshots.ts DIR [SCENE…]`: pictures of every state, dark and light, wide and phone. */
const [folder = 'screenshots', ...wanted] = process.argv.slice(2)
const wide = { width: 1440, height: 900 }
const phone = { width: 390, height: 844 }

interface Scene {
  readonly name: string
  readonly devices?: number
  readonly path: string
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

async function shoot(browser: Browser, scene: Scene): Promise<void> {
  for (const [size, viewport] of Object.entries({ wide, phone })) {
    for (const colorScheme of ['dark', 'light'] as const) {
      const dashboard = await serveDashboard({ devices: scene.devices ?? 24 })
      const page = await browser.newPage({ viewport, colorScheme })
      page.on('console', (message) => {
        if (message.type() === 'error') process.stderr.write(`${scene.name}: ${message.text()}\n`)
      })
      page.on('pageerror', (error) => process.stderr.write(`${scene.name}: ${error.message}\n`))
      await page.goto(dashboard.url + scene.path)
      await page.waitForTimeout(1_500)
      await scene.act?.(page, dashboard)
      await page.screenshot({ path: `${folder}/${scene.name}-${size}-${colorScheme}.png` })
      await page.close()
      await dashboard.close()
      if (wanted.includes('once')) return
    }
  }
}

mkdirSync(folder, { recursive: true })
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
})
const names = wanted.filter((name) => name !== 'once')
for (const scene of scenes) {
  if (names.length === 0 || names.includes(scene.name)) await shoot(browser, scene)
}
await browser.close()
