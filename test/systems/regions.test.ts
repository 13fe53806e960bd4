import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSystem, type System } from '../../infra/local/system.ts'
import { launchBrowser } from '../support/browser.ts'
import { DashboardPage } from '../support/dashboard-page.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { synthesizeInto } from '../support/synthesize.ts'
import { waitFor } from '../support/wait.ts'

/** docs/deploy.md "More than one region": two stacks, of which the second has the users of the first. */
const directory = mkdtempSync(join(tmpdir(), 'gaugeline-regions-'))
const localKey = 'key-of-the-test'
let first: System
let second: System
let browser: Browser
let ana: DashboardPage
const devices: MqttClient[] = []
const running = new Set<System>()

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const outputOf = (system: System, type: string, attribute: string): string =>
  String(system.deployed.byType(type)[0]?.attributes[attribute] ?? '')

beforeAll(async () => {
  const gateway = await freePort()
  first = await startSystem({
    cdkOut: synthesizeInto(join(directory, 'first'), {
      otherRegions: `us-east-1=ws://127.0.0.1:${gateway}/prod`,
    }),
    localKey,
  })
  const { issuer, jwks: jwksUri, dashboard } = first.endpoints
  const clientId = first.deployed.byType('AWS::Cognito::UserPoolClient')[0]?.physicalId
  second = await startSystem({
    cdkOut: synthesizeInto(join(directory, 'second'), {
      issuer,
      jwksUri,
      clientId,
      otherDashboards: dashboard,
    }),
    localKey,
    ports: { gateway },
  })
  running.add(first).add(second)
  browser = await launchBrowser()
  for (const { endpoints } of [first, second]) devices.push(await connectMqtt(endpoints.mqtt))
  ana = await DashboardPage.signIn(browser, dashboard, 'ana')
}, 300_000)
afterAll(async () => {
  await browser.close()
  for (const device of devices) await device.endAsync(true)
  await Promise.all([...running].map((system) => system.stop()))
  rmSync(directory, { recursive: true, force: true })
})

const [here, there] = ['plant-1/of-the-first', 'plant-1/of-the-second']
const publishEverywhere = async (): Promise<void> => {
  await publishReading(devices[0]!, here, { level: 1 })
  if (running.has(second)) await publishReading(devices[1]!, there, { level: 2 })
}
const shows = (topic: string): Promise<unknown> =>
  waitFor(async () => {
    await publishEverywhere()
    return ana.latest(topic)
  }, topic)
const choose = async (region: string): Promise<void> => {
  await ana.page.getByTestId('region').click()
  await ana.page.getByTestId(`region-${region}`).click()
  await ana.page.getByTestId('fleet-page').waitFor()
}

describe('two regions with one sign-in', () => {
  it('have no users twice', () => {
    expect(outputOf(first, 'AWS::Cognito::UserPool', 'ProviderURL')).not.toBe('')
    expect(second.deployed.byType('AWS::Cognito::UserPool')).toEqual([])
    expect(second.endpoints.issuer).toBe(first.endpoints.issuer)
  })

  it('show the devices of the region that is chosen, and only those', async () => {
    await shows(here)
    expect(await ana.latest(there)).toBeUndefined()
    await choose('us-east-1')
    await shows(there)
    expect(await ana.latest(here)).toBeUndefined()
    expect(await ana.page.getByTestId('region').textContent()).toContain('us-east-1')
  })

  it('are each on their own: with one away the other goes on, and the page says which is not connected', async () => {
    running.delete(second)
    await second.stop()
    await ana.page.getByText('Reconnecting').first().waitFor()
    await choose('eu-west-1')
    await shows(here)
    expect(ana.problems).toEqual([])
  })
})
