import type { MqttClient } from 'mqtt'
import mqtt from 'mqtt'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { DashboardPage } from '../support/dashboard-page.ts'
import { connectMqtt, publishReading, publishReadings } from '../support/devices.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

/** Devices whose clocks, counters and habits are not those of a laboratory, read where a person reads them: on the fleet and the device's page. */
let system: SharedSystem
let browser: Browser
let device: MqttClient
let ana: DashboardPage

const H = 3_600_000
beforeAll(async () => {
  ;[system, browser] = await Promise.all([sharedSystem(), launchBrowser()])
  device = await connectMqtt(system.endpoints.mqtt)
  ana = await DashboardPage.signIn(browser, system.endpoints.dashboard, 'ana')
})
afterAll(async () => {
  await browser.close()
  await device.endAsync(true)
})

const row = (topic: string) => ana.page.getByTestId(`device-${topic}`)
const toFleet = (): Promise<unknown> => ana.page.goto(system.endpoints.dashboard)
/** Waits until a row of the fleet says this. */
const says = (topic: string, words: string | RegExp): Promise<void> =>
  row(topic).filter({ hasText: words }).waitFor({ timeout: 30_000 })
const latest = (topic: string, values: object): Promise<unknown> =>
  waitFor(async () => {
    const held = await ana.latest(topic)
    return JSON.stringify(held) === JSON.stringify(values) || undefined
  }, `the newest values of ${topic}`)
/** Publishes as a device of its own, in a session of its own. */
async function session(clientId: string, work: (client: MqttClient) => Promise<void>) {
  const client = await mqtt.connectAsync(system.endpoints.mqtt, {
    clientId,
    protocolVersion: 4,
    reconnectPeriod: 0,
  })
  await work(client)
  await client.endAsync()
}
/** Readings twice a second, their clock off by so much, for long enough to be sure. */
async function steadily(topic: string, offMs: number, count = 14): Promise<void> {
  for (let i = 0; i < count; i++) {
    await publishReading(device, topic, { ts: Date.now() + offMs, metrics: { t: i } })
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

describe('devices in the field', () => {
  it('one reading from the future is no newest value for two hours: pushes and states agree', async () => {
    const topic = 'plant-1/jumps'
    const at = (offMs: number, t: number) => ({ ts: Date.now() + offMs, metrics: { t } })
    await publishReadings(device, topic, [at(0, 30), at(2 * H, 999), at(0, 37), at(0, 38)])
    await latest(topic, { t: 38 })
    await ana.page.reload()
    await latest(topic, { t: 38 })
    await ana.openDevice(topic)
    await ana.page
      .getByTestId('chart-t')
      .getByTestId('last-value')
      .filter({ hasText: '38' })
      .waitFor({ timeout: 30_000 })
    await toFleet()
  })

  it.each([
    ['ahead', 'plant-1/ahead', 10 * 60_000, /clock 10 min ahead/],
    ['behind', 'plant-1/behind', -2 * H, /clock 2 h behind/],
  ])(
    'a clock that is %s is said in row and page, and its readings are on the chart',
    async (_name, topic, offMs, words) => {
      const sending = steadily(topic, offMs)
      await says(topic, words)
      expect(await row(topic).getAttribute('data-status')).toBe('live')
      await sending
      await publishReading(device, topic, { ts: Date.now() + offMs, metrics: { t: 99 } })
      await latest(topic, { t: 99 })
      await ana.openDevice(topic)
      await ana.page.getByTestId('clock-off').filter({ hasText: words }).waitFor()
      const drawn = await waitFor(() => ana.series(topic, 't'), 'the readings')
      const recent = drawn.ts.filter((ts) => Math.abs(ts - Date.now()) < 60_000)
      expect(recent.length).toBeGreaterThanOrEqual(4)
      await toFleet()
    },
  )

  it('a clock that is not set costs no value', async () => {
    const topic = 'plant-1/unset'
    for (const [i, ts] of [12_345, 0, -1, 'not yet', null].entries()) {
      await publishReading(device, topic, { ts, metrics: { t: i } })
    }
    await latest(topic, { t: 4 })
    await says(topic, 'clock not set')
  })

  it('two readings of one instant are both shown', async () => {
    const ts = Date.now()
    await publishReading(device, 'plant-1/telegraf', { ts, temperature: 21 })
    await latest('plant-1/telegraf', { temperature: 21 })
    await publishReading(device, 'plant-1/telegraf', { ts, humidity: 55 })
    await latest('plant-1/telegraf', { temperature: 21, humidity: 55 })
  })

  it('counters that begin again, or wrap, drop no point of the chart', async () => {
    const again = 'plant-1/again'
    const wraps = 'plant-1/wraps'
    const twice = [1, 2].flatMap((round) =>
      Array.from({ length: 10 }, (_, i) => ({ n: i + 1, metrics: { v: round * 100 + i } })),
    )
    await publishReadings(device, again, twice)
    const list = Array.from({ length: 500 }, (_, i) => ({
      boot: 'b',
      n: i % 256,
      metrics: { v: i },
    }))
    await publishReading(device, wraps, list)
    for (const [topic, count] of [
      [again, 20],
      [wraps, 500],
    ] as const) {
      await ana.openDevice(topic)
      await waitFor(
        async () => (await ana.series(topic, 'v'))?.ts.length === count || undefined,
        `${count} points of ${topic}`,
      )
    }
    await toFleet()
  })

  it('a battery device is live by its own rhythm', async () => {
    const topic = 'plant-1/battery'
    const list = [25, 15, 5].map((ago) => ({ ts: Date.now() - ago * 60_000, metrics: { t: ago } }))
    await publishReading(device, topic, list)
    await latest(topic, { t: 5 })
    expect(await row(topic).getAttribute('data-status')).toBe('live')
  })

  it('who sent once and went is seen, who sent for a while and went is offline, whatever its clock', async () => {
    await session('once', (client) => publishReading(client, 'plant-1/once', { t: 1 }))
    await says('plant-1/once', /seen, 1 reading/)
    await session('left', (client) =>
      publishReadings(
        client,
        'plant-1/left',
        Array.from({ length: 5 }, (_, t) => ({ ts: Date.now() + H, metrics: { t } })),
      ),
    )
    await says('plant-1/left', /offline/)
    expect(await row('plant-1/once').getAttribute('data-status')).toBe('seen')
  })

  it('a tool that sends once for a gateway’s device and leaves does not take it offline', async () => {
    const topic = 'plant-1/gwa'
    await publishReadings(device, topic, [{ t: 1 }, { t: 2 }, { t: 3 }])
    await session('tool', (client) => publishReading(client, topic, { t: 4 }))
    await session('other-tool', (client) => publishReading(client, topic, { t: 5 }))
    await publishReading(device, topic, { t: 6 })
    await latest(topic, { t: 6 })
    await waitFor(
      async () => (await row(topic).getAttribute('data-status')) === 'live' || undefined,
      'the device to be live',
    )
  })

  it('nobody’s clock spoils the figure of the page', async () => {
    const p95 = await ana.page.getByTestId('latency').textContent()
    expect(p95).not.toMatch(/min|\d h/)
    expect(ana.problems).toEqual([])
  })
})
