import type {} from '../../dashboard/src/inspection.ts'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DevDashboard, serveDashboard } from '../../dashboard/dev/serve.ts'
import { launchBrowser } from '../support/browser.ts'

/** No value is cut, from a phone to 4K and at 200 % zoom (half the CSS pixels), with numbers and names that are hard to show. */
const sizes = [
  { width: 360, height: 740 },
  { width: 720, height: 450 },
  { width: 1_440, height: 900 },
  { width: 3_840, height: 2_160 },
]
const devices = ['awkward-small', 'awkward-large', 'awkward-ends']
const long = 'a-device-whose-name-is-as-long-as-a-thing-name-may-well-be-0001'

let dashboard: DevDashboard
let browser: Browser
let page: Page

beforeAll(async () => {
  ;[dashboard, browser] = await Promise.all([
    serveDashboard({ devices: 2, historyMs: 60_000, hasAwkward: true }),
    launchBrowser(),
  ])
  page = await browser.newPage()
})
afterAll(async () => {
  await browser.close()
  await dashboard.close()
})

/** Texts that do not fit where they stand: their own box or one around it cuts them, or they leave the screen. */
function cutTexts(selector: string): Promise<string[]> {
  return page.locator(selector).evaluateAll((elements) =>
    elements.flatMap((element) => {
      const range = document.createRange()
      range.selectNodeContents(element)
      if (element.getClientRects().length === 0) return []
      const text = range.getBoundingClientRect()
      for (let box: Element | null = element; box; box = box.parentElement) {
        const { overflowX } = getComputedStyle(box)
        const edge = box.getBoundingClientRect()
        const isCut = text.right > edge.right + 0.5 || text.left < edge.left - 0.5
        if (overflowX !== 'visible' && isCut) return [element.textContent]
      }
      const isOff = text.right > document.documentElement.clientWidth + 0.5
      return isOff ? [element.textContent] : []
    }),
  )
}

async function drawn(): Promise<void> {
  await page.waitForFunction(() => (window.__gaugeline?.drawn.draws ?? 0) > 0)
}

describe.each(sizes)('at $width x $height', ({ width, height }) => {
  it('the fleet shows every value whole', async () => {
    await page.setViewportSize({ width, height })
    await page.goto(dashboard.url)
    await page.getByTestId('device-plant-1/awkward-large').waitFor()
    expect(await page.locator('.row .value b').count()).toBeGreaterThan(5)
    expect(await cutTexts('.row .value b')).toEqual([])
  })

  it.each(devices)('%s has whole values on its cards, axes and tables', async (device) => {
    await page.setViewportSize({ width, height })
    await page.goto(`${dashboard.url}/d/plant-1/${device}`)
    await page.getByTestId('last-value').nth(3).waitFor()
    await drawn()
    expect(await cutTexts('[data-testid="last-value"]')).toEqual([])
    expect(await cutTexts('.card .foot b')).toEqual([])
    expect(await cutTexts('.card .head button')).toEqual([])
    for (const button of await page.locator('.card .head button').all()) {
      await button.click()
      await page.getByTestId('chart-table').click()
    }
    await page.locator('.readings td').first().waitFor()
    expect(await cutTexts('.readings td')).toEqual([])
  })

  it('a metric with a long name leaves its value and its menu in reach', async () => {
    await page.setViewportSize({ width, height })
    await page.goto(`${dashboard.url}/d/plant-1/${long}`)
    await page.getByTestId('last-value').nth(1).waitFor()
    expect(await cutTexts('[data-testid="last-value"]')).toEqual([])
    const menu = page.locator('.card .head button').first()
    await menu.click()
    await page.getByTestId('chart-csv').waitFor()
  })
})

it('labels of a value axis stand whole beside the plot', async () => {
  await page.setViewportSize({ width: 1_440, height: 900 })
  for (const device of devices) {
    // What is drawn is watched at the canvas itself.
    await page.addInitScript(() => {
      const cut: string[] = []
      Object.assign(window, { cutLabels: cut, labels: 0 })
      const { prototype } = CanvasRenderingContext2D
      const fill = Reflect.get(prototype, 'fillText') as (...args: unknown[]) => void
      prototype.fillText = function (text, x, y) {
        const { width } = this.measureText(text)
        const left = this.textAlign === 'right' ? x - width : x
        if (this.textAlign === 'right') Object.assign(window, { labels: 1 })
        if (this.textAlign === 'right' && left < 0) cut.push(`${text} at ${left}`)
        fill.call(this, text, x, y)
      }
    })
    await page.goto(`${dashboard.url}/d/plant-1/${device}`)
    await page.getByTestId('last-value').nth(3).waitFor()
    await page.waitForFunction(() => 'labels' in window && window.labels === 1)
    await page.waitForFunction(() => (window.__gaugeline?.drawn.draws ?? 0) > 8)
    expect(await page.evaluate(() => ('cutLabels' in window ? window.cutLabels : []))).toEqual([])
  }
})
