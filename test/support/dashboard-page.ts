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

  /** How many pixels of a chart's canvas are drawn: not transparent. */
  drawnPixels(metric: string): Promise<number> {
    return this.page
      .getByTestId(`chart-${metric}`)
      .locator('canvas')
      .first()
      .evaluate((element) => {
        const canvas = element as HTMLCanvasElement
        const data =
          canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
        let drawn = 0
        for (let i = 3; i < data.length; i += 4) if ((data[i] ?? 0) > 0) drawn++
        return drawn
      })
  }

  /** The first and the last column of a chart's canvas in which its coloured line is drawn, canvas pixels; undefined without a line. */
  lineExtent(metric: string): Promise<{ readonly from: number; readonly to: number } | undefined> {
    return this.page
      .getByTestId(`chart-${metric}`)
      .locator('canvas')
      .first()
      .evaluate((element) => {
        const { width, height } = element as HTMLCanvasElement
        const context = (element as HTMLCanvasElement).getContext('2d')
        const data = context?.getImageData(0, 0, width, height).data ?? []
        let from = Infinity
        let to = -Infinity
        for (let i = 0; i < data.length; i += 4) {
          const [red = 0, green = 0, blue = 0, alpha = 0] = [0, 1, 2, 3].map((k) => data[i + k])
          // Axes and grid are grey; only the line has a colour of its own.
          const isColoured = Math.max(red, green, blue) - Math.min(red, green, blue) > 60
          if (!isColoured || alpha < 128) continue
          const column = (i / 4) % width
          from = Math.min(from, column)
          to = Math.max(to, column)
        }
        return to < 0 ? undefined : { from, to }
      })
  }

  async close(): Promise<void> {
    await this.context.close()
  }
}
