import type { Inspection } from '../../dashboard/src/inspection.ts'
import type { Browser, BrowserContext, Page } from 'playwright-core'

type Series = NonNullable<ReturnType<Inspection['series']>>

/** A signed-in dashboard in a browser context of its own. */
export class DashboardPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Everything that went wrong in the page: uncaught errors and console errors. */
  readonly problems: string[] = []

  private constructor(context: BrowserContext, page: Page) {
    this.context = context
    this.page = page
    page.on('pageerror', (error) => {
      this.problems.push(error.message)
    })
    page.on('console', (message) => {
      // A socket that a test cut on purpose is logged by the browser itself.
      if (message.type() === 'error' && !message.text().includes('WebSocket'))
        this.problems.push(message.text())
    })
  }

  /** Opens the dashboard and signs in as a demo person, by the form a person uses. */
  static async signIn(
    browser: Browser,
    url: string,
    user: string,
    options: { width?: number; height?: number } = {},
  ): Promise<DashboardPage> {
    const context = await browser.newContext({
      viewport: { width: options.width ?? 1_440, height: options.height ?? 900 },
      colorScheme: 'dark',
    })
    const dashboard = new DashboardPage(context, await context.newPage())
    const { page } = dashboard
    await page.goto(url)
    await page.getByTestId('sign-in').click()
    await page.getByTestId(`sign-in-${user}`).click()
    await page.getByTestId('fleet-page').waitFor()
    return dashboard
  }

  async openDevice(topic: string): Promise<void> {
    await this.page.goto(new URL(`/d/${topic}`, this.page.url()).href)
    await this.page.getByTestId('device-page').waitFor()
  }

  /** The data behind a chart; undefined while the device is not watched. */
  series(topic: string, metric: string): Promise<Series | undefined> {
    return this.page.evaluate(
      ([wantedTopic, wantedMetric]) =>
        window.__gaugeline?.series(wantedTopic ?? '', wantedMetric ?? ''),
      [topic, metric],
    )
  }

  /** The newest values that the page knows of a device; undefined when it knows none. */
  latest(topic: string): Promise<Readonly<Record<string, number>> | undefined> {
    return this.page.evaluate((wanted) => window.__gaugeline?.latest(wanted)?.values, topic)
  }

  /** The coloured line of the page's first chart: how many of the canvas's pixels are its, and the first and last column of them. */
  line(
    metric: string,
  ): Promise<{ readonly pixels: number; readonly from: number; readonly to: number }> {
    return this.page
      .getByTestId(`chart-${metric}`)
      .locator('canvas')
      .first()
      .evaluate((element, name) => {
        const { width, height } = element as HTMLCanvasElement
        const context = (element as HTMLCanvasElement).getContext('2d')
        const data = context?.getImageData(0, 0, width, height).data ?? []
        // Bands and their words have colours too: only the line has its own.
        const colour = getComputedStyle(element).getPropertyValue(name).trim().slice(1)
        const wanted = [0, 2, 4].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
        const line = { pixels: 0, from: Infinity, to: -Infinity }
        for (let i = 0; i < data.length; i += 4) {
          const isIts = wanted.every((part, at) => Math.abs((data[i + at] ?? 0) - part) < 24)
          if (!isIts || (data[i + 3] ?? 0) < 128) continue
          const column = (i / 4) % width
          line.pixels++
          line.from = Math.min(line.from, column)
          line.to = Math.max(line.to, column)
        }
        return line
      }, '--line-1')
  }

  async close(): Promise<void> {
    await this.context.close()
  }
}
