import type { MqttClient } from 'mqtt'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { DashboardPage } from '../support/dashboard-page.ts'
import { connectMqtt, publishReading, publishReadings } from '../support/devices.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

let system: SharedSystem
let browser: Browser
let device: MqttClient
let ana: DashboardPage

const topic = 'plant-1/drawn-device'
const valueOf = (n: number): number => Math.round((20 + 5 * Math.sin(n / 8)) * 10) / 10

beforeAll(async () => {
  ;[system, browser] = await Promise.all([sharedSystem(), launchBrowser()])
  device = await connectMqtt(system.endpoints.mqtt)
  ana = await DashboardPage.signIn(browser, system.endpoints.dashboard, 'ana')
})

afterAll(async () => {
  await browser.close()
  await device.endAsync(true)
})

describe('the dashboard in a real browser', () => {
  it('draws what an independent MQTT client publishes: all of it, in order, as data and as pixels', async () => {
    await publishReading(device, topic, { temperature: valueOf(0) })
    await ana.openDevice(topic)
    await waitFor(
      async () => ((await ana.series(topic, 'temperature'))?.ts.length ?? 0) >= 1 || undefined,
      'the first point',
    )
    await ana.page.getByTestId('chart-temperature').waitFor()
    const before = (await ana.line('temperature')).pixels
    const total = 120
    const rest = Array.from({ length: total - 1 }, (_, n) => ({ temperature: valueOf(n + 1) }))
    await publishReadings(device, topic, rest)
    const series = await waitFor(async () => {
      const held = await ana.series(topic, 'temperature')
      return held && held.ts.length >= total ? held : undefined
    }, 'all points')
    expect(series.values).toEqual(Array.from({ length: total }, (_, n) => valueOf(n)))
    expect(series.ts).toEqual([...series.ts].sort((a, b) => a - b))
    expect(series.gaps.filter((gap) => gap.state !== 'repaired')).toEqual([])
    await waitFor(
      async () => (await ana.line('temperature')).pixels > before || undefined,
      'the line to be drawn',
    )
  })

  it('draws the line to the same scale whether the picture is new, resized or of another colour', async () => {
    const { page } = ana
    // A window that stands still: nothing is drawn again but for what follows.
    await ana.openDevice(`${topic}?w=5&at=${Date.now()}`)
    const extent = await waitFor(async () => {
      const line = await ana.line('temperature')
      return line.pixels > 0 ? line : undefined
    }, 'the line')
    await page.getByTestId('theme').click()
    await waitFor(async () => {
      const next = await ana.line('temperature')
      const isSame = Math.abs(next.from - extent.from) <= 2
      return (isSame && Math.abs(next.to - extent.to) <= 2) || undefined
    }, 'the same line in other colours')
    await page.setViewportSize({ width: 1_440, height: 1_000 })
    await waitFor(async () => {
      const next = await ana.line('temperature')
      return Math.abs(next.to - extent.to) <= 2 || undefined
    }, 'the same line in another size')
    await page.setViewportSize({ width: 1_440, height: 900 })
    await page.getByTestId('theme').click()
  })

  it('never shows a device of another plant', async () => {
    await publishReading(device, 'plant-2/secret', { temperature: 99 })
    await publishReading(device, 'plant-1/visible', { temperature: 11 })
    await waitFor(
      () =>
        ana.page.evaluate(
          () => window.__gaugeline?.topics().includes('plant-1/visible') || undefined,
        ),
      'the device of her own plant',
    )
    expect(
      await ana.page.evaluate(() =>
        window.__gaugeline?.topics().filter((name) => name.startsWith('plant-2/')),
      ),
    ).toEqual([])
    await ana.openDevice('plant-2/secret')
    await waitFor(
      async () =>
        (await ana.page.getByTestId('device-page').innerText()).includes('may not see') ||
        undefined,
      'the refusal',
    )
    expect((await ana.series('plant-2/secret', 'temperature'))?.ts ?? []).toEqual([])
  })

  it('shows the last reading of a device that falls silent, also when it came too soon for a push', async () => {
    const quiet = 'plant-1/quiet'
    const isShown = (value: number) => async () =>
      (await ana.latest(quiet))?.['temperature'] === value || undefined
    await ana.page.goto(system.endpoints.dashboard)
    await ana.page.getByTestId('fleet-page').waitFor()
    await publishReading(device, quiet, { temperature: 1 })
    await waitFor(isShown(1), 'the first reading')
    // deliver pushes one of them and leaves out those that come within a second of it.
    const burst = Array.from({ length: 30 }, (_, i) => ({ temperature: i + 2 }))
    await publishReadings(device, quiet, burst)
    await waitFor(isShown(31), 'the last reading', 60_000)
  })

  it('says that the network is gone, and heals the hole when it is back', async () => {
    await ana.openDevice(topic)
    await waitFor(
      async () => ((await ana.series(topic, 'temperature'))?.ts.length ?? 0) >= 120 || undefined,
      'the points',
    )
    await ana.context.setOffline(true)
    await ana.page.evaluate(() => {
      window.dispatchEvent(new Event('offline'))
    })
    const before = (await ana.series(topic, 'temperature'))?.ts.length ?? 0
    const missed = Array.from({ length: 20 }, (_, n) => ({ temperature: 30 + n / 10 }))
    await publishReadings(device, topic, missed)
    await ana.context.setOffline(false)
    const healed = await waitFor(
      async () => {
        const held = await ana.series(topic, 'temperature')
        return held && held.ts.length >= before + 20 ? held : undefined
      },
      'the hole to heal',
      60_000,
    )
    expect(new Set(healed.ts.map((ts, row) => `${ts}:${String(healed.values[row])}`)).size).toBe(
      healed.ts.length,
    )
  })

  it('shows the alarms of the template', async () => {
    await ana.page.getByTestId('nav-alarms').click()
    await ana.page.getByTestId('alarms-page').waitFor()
    await waitFor(
      async () => (await ana.page.locator('[data-testid^="alarm-"]').count()) >= 3 || undefined,
      'alarms',
    )
  })

  it('signs out at the issuer too: the next sign-in asks who it is', async () => {
    await ana.page.getByTestId('user-menu').click()
    // The issuer's own page comes between: only then is the session over.
    const ended = ana.page.waitForResponse((response) => response.url().includes('/logout/confirm'))
    await ana.page.getByTestId('sign-out').click()
    await ended
    await ana.page.getByTestId('sign-in').click()
    await ana.page.getByTestId('sign-in-ana').waitFor()
  })

  it('has had no error of its own, and no breach of its content security policy', () => {
    expect(ana.problems).toEqual([])
  })
})
