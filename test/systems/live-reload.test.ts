import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { copyCheckout, type CheckoutCopy } from '../support/checkout-copy.ts'
import { mintToken, ProtocolClient } from '../support/client.ts'
import { DashboardPage } from '../support/dashboard-page.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

/** A bound for a loaded machine, no time that anything should take. */
const BOUND_MS = 120_000

let checkout: CheckoutCopy
let system: RunningSystem
let browser: Browser
let ana: DashboardPage
let client: ProtocolClient

beforeAll(async () => {
  checkout = copyCheckout()
  ;[system, browser] = await Promise.all([
    startSystem({ root: checkout.root, args: ['--watch', '--logs', 'disconnect'] }),
    launchBrowser(),
  ])
  ana = await DashboardPage.signIn(browser, system.endpoints.dashboard, 'ana')
  client = await connect()
})
afterAll(async () => {
  client.socket.terminate()
  await browser.close()
  expect(await system.stop()).toBe(0)
  checkout.remove()
})

async function connect(): Promise<ProtocolClient> {
  const token = await mintToken(system.stateDir, { user: 'ben', role: 'viewer', devices: '#' })
  return ProtocolClient.connect(system.endpoints.websocket, token)
}

const inUse = (what: string, look: () => boolean | Promise<boolean>): Promise<boolean> =>
  waitFor(look, `${what} to be in use`, BOUND_MS)

describe('npm run dev', { timeout: 300_000 }, () => {
  it('swaps an edited component in the open page, which keeps its state and its socket', async () => {
    const opened: string[] = []
    ana.page.on('websocket', (socket) => opened.push(socket.url()))
    await ana.page.evaluate(() => {
      document.title = 'as it was'
    })
    checkout.edit('dashboard/src/components/TopBar.vue', '>Fleet</RouterLink>', '>All</RouterLink>')
    await inUse('a Vue component', async () =>
      (await ana.page.getByTestId('nav-fleet').innerText()).includes('All'),
    )
    expect(await ana.page.title()).toBe('as it was')
    expect(opened).toEqual([])
    expect(ana.problems).toEqual([])
  })

  it('runs an edited handler, and shows its log with --logs', async () => {
    ;(await connect()).socket.terminate()
    await waitFor(() => system.output().includes('"socket closed"') || undefined, 'the log line')
    checkout.edit('backend/src/handlers/disconnect.ts', "'socket closed'", "'socket was closed'")
    await waitFor(
      () => system.output().includes('new code: disconnect') || undefined,
      'the handler',
      BOUND_MS,
    )
    // That one only: the other functions keep their environments.
    expect(system.output().match(/new code: .*/g)).toEqual(['new code: disconnect'])
    ;(await connect()).socket.terminate()
    await inUse('a handler (with a connection made and cut)', () =>
      system.output().includes('"socket was closed"'),
    )
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  it('deploys an edited CDK component', async () => {
    const cloudwatch = new CloudWatchClient({
      endpoint: system.endpoints.aws,
      region: system.endpoints.region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    })
    const descriptions = async (): Promise<string> =>
      JSON.stringify(await cloudwatch.send(new DescribeAlarmsCommand({})))
    checkout.edit('infra/cloud/expiry-queue.ts', 'could not be closed', 'are still open')
    await inUse('a CDK component', async () =>
      (await descriptions()).includes('Connections whose token ended are still open'),
    )
    cloudwatch.destroy()
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  it('says what needs a restart', async () => {
    checkout.edit('package.json', '"private": true', '"private":  true')
    await waitFor(
      () =>
        system.output().includes('package.json changed: restart npm run dev to take it over') ||
        undefined,
      'the word',
      BOUND_MS,
    )
  })
})
