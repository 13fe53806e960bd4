import {
  type Action,
  encodePosition,
  limits,
  type ServerMessage,
} from '@gaugeline/backend/protocol'
import { enableAutoUnmount, flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import App from '../App.vue'
import { chartEngineKey, type LineChart } from '../chart/line-chart.ts'
import { type App as Parts, appKey } from '../composables/use-app.ts'
import type { DashboardConfig } from '../config.ts'
import { formatClock } from '../format/times.ts'
import { makeRouter } from '../router.ts'
import { fixedSession, type Session } from '../session/session.ts'
import { systemClock } from '../stream/clock.ts'
import { RecordedClient, type RecordedMessage } from '../stream/recorded-client.ts'
import type { Request } from '../stream/stream-client.ts'
import { Telemetry } from '../stream/telemetry.ts'

/** The canvas of a browser is the e2e's business; here the page around it is looked at. */
const noChart = (): LineChart => ({
  draw: () => undefined,
  area: () => undefined,
  destroy: () => undefined,
})

const now = Date.now()
const position = (n: number): string => encodePosition(now - 60_000 + n, String(n))
const say = (message: ServerMessage): RecordedMessage => ({ afterMs: 0, message })

const welcome = (roles: ('viewer' | 'operator')[]): RecordedMessage =>
  say({
    type: 'welcome',
    id: 1,
    connectionId: 'c',
    user: 'ana',
    roles,
    devices: ['plant-1/#', 'plant-1/silent'],
    tokenExpiresAt: now / 1_000 + 3_600,
    limits,
    serverTime: now,
  })
const fleet = say({
  type: 'subscribed',
  id: 2,
  results: [{ sid: 1, ok: true, recovered: true, more: false }],
  blocks: [],
  states: [
    {
      topic: 'plant-1/pump-1',
      position: position(1),
      ts: now,
      metrics: { temperature: 54.25, pressure: 4.5 },
    },
    { topic: 'plant-1/pump-2', position: position(1), ts: now - 90_000, metrics: { flow: 12 } },
    {
      topic: 'plant-1/pump-3',
      position: position(1),
      ts: now - 90_000,
      metrics: { flow: 12 },
      online: false,
      onlineAt: now - 80_000,
    },
  ],
  notes: [],
})
const device = say({
  type: 'subscribed',
  id: 3,
  results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: position(2) }],
  blocks: [
    {
      sid: 1_000,
      topic: 'plant-1/pump-1',
      prev: position(0),
      position: position(2),
      ts: [now - 2_000, now - 1_000],
      metrics: { temperature: [50, 54], pressure: [4, 4.5] },
    },
  ],
  states: [],
  notes: [
    { noteId: 'n', topic: 'plant-1/#', text: 'bearing <b>replaced</b>', at: now, by: 'olli' },
  ],
})
const alarms = say({
  type: 'alarms',
  id: 4,
  revision: 2,
  alarms: [
    {
      alarm: 'Gaugeline-deliver-errors',
      title: 'deliver-errors',
      description: 'Delivery fails | Dashboards stand still',
      severity: 'P1',
      runbook: 'docs/runbook.md#deliver-errors',
      state: 'ALARM',
      reason: 'Threshold Crossed',
      since: now - 5_000,
      revision: 2,
      notes: [],
    },
  ],
})

async function open(path: string, recording: RecordedMessage[], session = fixedSession('t')) {
  const asked = new Map<Action, unknown[]>()
  const client = new (class extends RecordedClient {
    override request<A extends Action>(message: Request<A> & { readonly action: A }) {
      asked.set(message.action, [...(asked.get(message.action) ?? []), message])
      return super.request<A>(message)
    }
  })(recording, systemClock)
  const telemetry = new Telemetry({ client, clock: systemClock })
  const here = { region: '', websocket: '' }
  const config: DashboardConfig = { ...here, issuer: 'http://issuer', clientId: '', version: '', regions: [here] }
  const parts: Parts = { config, session, telemetry }
  const router = createRouter({
    history: createMemoryHistory(),
    routes: makeRouter(session).options.routes,
  })
  await router.push(path)
  const page = mount(App, {
    attachTo: document.body,
    global: {
      plugins: [createPinia(), router],
      provide: { [appKey as symbol]: parts, [chartEngineKey as symbol]: noChart },
    },
  })
  await flushPromises()
  await vi.advanceTimersByTimeAsync(600)
  await flushPromises()
  return { page, telemetry, router, asked: (action: Action) => asked.get(action) ?? [] }
}

beforeEach(() => {
  vi.useFakeTimers({ now, toFake: ['setInterval', 'clearInterval', 'Date'] })
  // happy-dom lays nothing out: the virtual list would find no room for a row.
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600)
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1_000)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
// Registered last, runs first.
enableAutoUnmount(afterEach)

describe('fleet page', () => {
  it('shows every device with state, value and age, worst first', async () => {
    const { page } = await open('/', [welcome(['operator']), fleet, alarms])
    const rows = page.findAll('[data-testid^="device-"]')
    expect(
      rows.map((row) => [row.attributes('data-testid'), row.attributes('data-status')]),
    ).toEqual([
      ['device-plant-1/pump-3', 'offline'],
      ['device-plant-1/pump-2', 'stale'],
      ['device-plant-1/silent', 'never'],
      ['device-plant-1/pump-1', 'live'],
    ])
    expect(rows[3]!.text()).toContain('54.3')
    expect(rows[2]!.text()).toContain('has never sent')
    expect(rows[1]!.text()).toContain('1 min')
  })

  it('filters by text and state, and says when nothing is left', async () => {
    const { page } = await open('/?q=pump-2', [welcome(['operator']), fleet, alarms])
    expect(page.findAll('[data-testid^="device-"]')).toHaveLength(1)
    await page.get('[data-testid="fleet-search"]').setValue('nothing')
    await flushPromises()
    expect(page.text()).toContain('0 of 4 devices match')
  })

  it('tells how to get devices when there are none', async () => {
    const none = say({ type: 'subscribed', id: 2, results: [], blocks: [], states: [], notes: [] })
    const everything = { ...welcome(['operator']).message, devices: ['#'] } as ServerMessage
    const { page } = await open('/', [say(everything), none, alarms])
    expect(page.get('[data-testid="no-devices"]').text()).toContain('npm run simulate -- demo')
  })
})

describe('device page', () => {
  it('shows a card per metric with the newest value and the figures of the window', async () => {
    const { page } = await open('/d/plant-1/pump-1', [welcome(['operator']), fleet, device, alarms])
    const card = page.get('[data-testid="chart-temperature"]')
    expect(card.get('[data-testid="last-value"]').text()).toBe('54.0')
    expect(card.get('footer').text()).toMatch(/min\s*50\.0.*avg\s*52\.0.*max\s*54\.0/)
    expect(card.get('[role="img"]').attributes('aria-label')).toContain(
      'Temperature: 54.0 °C, live',
    )
    expect(page.find('[data-testid="chart-pressure"]').exists()).toBe(true)
  })

  it('shows a note as text, never as markup', async () => {
    const { page } = await open('/d/plant-1/pump-1', [welcome(['operator']), fleet, device, alarms])
    const note = page.get('[data-testid="note"]')
    expect(note.text()).toContain('bearing <b>replaced</b>')
    expect(note.find('b').exists()).toBe(false)
  })

  it('offers commands to an operator and none to a viewer', async () => {
    const recording = [fleet, device, alarms]
    const operator = await open('/d/plant-1/pump-1', [welcome(['operator']), ...recording])
    expect(operator.page.find('[data-testid="command-identify"]').exists()).toBe(true)
    operator.page.unmount()
    const viewer = await open('/d/plant-1/pump-1', [welcome(['viewer']), ...recording])
    expect(viewer.page.find('[data-testid="command-identify"]').exists()).toBe(false)
    expect(viewer.page.get('[data-testid="commands"]').text()).toContain('role operator')
  })
})

describe('panels of the device page', () => {
  const path = '/d/plant-1/pump-1'
  const sendSetPoint = (page: VueWrapper): void =>
    page.get('[data-testid="command-setPoint"]').element.closest('form')?.requestSubmit()

  it('offers the metrics of the device for a set point, the first at its newest value', async () => {
    const { page, asked } = await open(path, [welcome(['operator']), fleet, device, alarms])
    const metric = page.get<HTMLSelectElement>('[data-testid="set-point-metric"]')
    expect(metric.findAll('option').map((option) => option.text())).toEqual([
      'Temperature',
      'Pressure',
    ])
    sendSetPoint(page)
    expect(asked('command')).toMatchObject([
      { name: 'setPoint', args: { metric: 'temperature', value: 54.3 } },
    ])
  })

  it('sends the set point of the metric that was chosen, with the value that was typed', async () => {
    const { page, asked } = await open(path, [welcome(['operator']), fleet, device, alarms])
    await page.get('[data-testid="set-point-metric"]').setValue('pressure')
    const value = page.get<HTMLInputElement>('[data-testid="set-point-value"]')
    expect(value.element.value).toBe('4.5')
    await value.setValue('3.25')
    await vi.advanceTimersByTimeAsync(1_000)
    sendSetPoint(page)
    expect(asked('command')).toMatchObject([{ args: { metric: 'pressure', value: 3.25 } }])
  })

  it('says why a command or a note was not taken, each in its own panel', async () => {
    const { page } = await open(path, [welcome(['operator']), fleet, device, alarms])
    await page.get('[data-testid="command-identify"]').trigger('click')
    await flushPromises()
    expect(page.get('[data-testid="commands"] [role="alert"]').text()).toContain('command')
    expect(page.find('[data-testid="notes"] [role="alert"]').exists()).toBe(false)
    await page.get('[data-testid="note-text"]').setValue('bearing replaced')
    await page.get('[data-testid="notes"] form').trigger('submit')
    await flushPromises()
    expect(page.get('[data-testid="notes"] [role="alert"]').text()).toContain('sendMessage')
  })
})

describe('alarms page', () => {
  it('shows an open alarm with severity in words, its meaning, impact and runbook', async () => {
    const { page } = await open('/alarms', [welcome(['operator']), fleet, alarms])
    const row = page.get('[data-testid="alarm-Gaugeline-deliver-errors"]')
    expect(row.text()).toContain('Deliver errors')
    expect(row.text()).toContain('Critical')
    const detail = page.get('[data-testid="alarm-detail"]').text()
    expect(detail).toContain('Delivery fails')
    expect(detail).toContain('Dashboards stand still')
    expect(detail).toContain('docs/runbook.md#deliver-errors')
    expect(page.get('[data-testid="alarm-ack"]').attributes('disabled')).toBeUndefined()
  })
})

describe('an alarm that is not raised', () => {
  const message = alarms.message as Extract<ServerMessage, { type: 'alarms' }>
  const state = 'INSUFFICIENT_DATA' as const
  const unknown = say({ ...message, alarms: message.alarms.map((alarm) => ({ ...alarm, state })) })

  it('opens by itself for nobody, and says what it watches for, not that it has happened', async () => {
    const { page } = await open('/alarms', [welcome(['operator']), fleet, unknown])
    expect(page.get('[data-testid="none-raised"]').text()).toContain('none is raised')
    await page.get('[data-testid="alarm-Gaugeline-deliver-errors"]').trigger('click')
    await flushPromises()
    const terms = page.get('[data-testid="alarm-detail"]').findAll('dt')
    expect(terms.map((term) => term.text())).toEqual([
      'Watches for',
      'Impact',
      'Last check',
      'Runbook',
      'CloudWatch name',
    ])
  })
})

describe('an alarm that is shelved', () => {
  it('says until when, in the list', async () => {
    const shelvedUntil = now + 3_600_000
    const message = alarms.message as Extract<ServerMessage, { type: 'alarms' }>
    const shelved = message.alarms.map((alarm) => ({ ...alarm, shelvedBy: 'ada', shelvedUntil }))
    const { page } = await open('/alarms', [
      welcome(['operator']),
      fleet,
      say({ ...message, alarms: shelved }),
    ])
    const row = page.get('[data-testid="alarm-Gaugeline-deliver-errors"]')
    expect(row.text()).toContain(`until ${formatClock(shelvedUntil, 'local', false)}`)
  })
})

describe('sign-in', () => {
  it('names the issuer and the way out when it does not answer', async () => {
    const session: Session = {
      ...fixedSession('t'),
      isSignedIn: () => Promise.resolve(false),
      signIn: () => Promise.reject(new TypeError('Failed to fetch')),
    }
    const { page } = await open('/sign-in', [welcome(['viewer']), fleet, alarms], session)
    await page.get('[data-testid="sign-in"]').trigger('click')
    await flushPromises()
    expect(page.get('[role="alert"]').text()).toContain('http://issuer does not answer')
  })
})
