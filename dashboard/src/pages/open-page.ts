import {
  type Action,
  encodePosition,
  limits,
  type ServerMessage,
} from '@gaugeline/backend/protocol'
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { afterEach, beforeEach, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import App from '../App.vue'
import { chartEngineKey, type LineChart } from '../chart/line-chart.ts'
import { type App as Parts, appKey } from '../composables/use-app.ts'
import type { DashboardConfig } from '../config.ts'
import { makeRouter } from '../router.ts'
import { fixedSession, type Session } from '../session/session.ts'
import { systemClock } from '../stream/clock.ts'
import { RecordedClient, type RecordedMessage } from '../stream/recorded-client.ts'
import type { Connection, Request } from '../stream/stream-client.ts'
import { Telemetry } from '../stream/telemetry.ts'

/** The canvas of a browser is the e2e's business; here the page around it is looked at. */
const noChart = (): LineChart => ({
  draw: () => undefined,
  area: () => undefined,
  drawn: () => undefined,
  destroy: () => undefined,
})

/** Epoch milliseconds at which the tests begin. */
export const now = Date.now()
export const position = (n: number): string => encodePosition(now - 60_000 + n, String(n))
export const say = (message: ServerMessage): RecordedMessage => ({ afterMs: 0, message })

export const welcome = (roles: ('viewer' | 'operator')[]): RecordedMessage =>
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
export const fleet = say({
  type: 'subscribed',
  id: 2,
  results: [{ sid: 1, ok: true, recovered: true, more: false }],
  blocks: [],
  states: [
    {
      topic: 'plant-1/pump-1',
      position: encodePosition(now, '1'),
      ts: now,
      everyMs: 1_000,
      metrics: { temperature: 54.25, pressure: 4.5 },
    },
    {
      topic: 'plant-1/pump-2',
      position: encodePosition(now - 90_000, '1'),
      ts: now - 90_000,
      everyMs: 1_000,
      metrics: { flow: 12 },
    },
    {
      topic: 'plant-1/pump-3',
      position: encodePosition(now - 90_000, '1'),
      ts: now - 90_000,
      everyMs: 1_000,
      metrics: { flow: 12 },
      online: false,
      onlineAt: now - 80_000,
    },
  ],
  notes: [],
})
export const device = say({
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
export const alarms = say({
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

const opened: VueWrapper[] = []

export interface OpenOptions {
  readonly session?: Session
  readonly makeChart?: () => LineChart
}

/** The app at a path, over a client that plays a recording, as it is 600 ms later. */
export async function open(path: string, recording: RecordedMessage[], options: OpenOptions = {}) {
  const { session = fixedSession('t'), makeChart = noChart } = options
  const asked = new Map<Action, unknown[]>()
  const client = new (class extends RecordedClient {
    override request<A extends Action>(message: Request<A> & { readonly action: A }) {
      asked.set(message.action, [...(asked.get(message.action) ?? []), message])
      return super.request<A>(message)
    }
    #changed: Partial<Connection> = {}
    override connection(): Connection {
      return { ...super.connection(), ...this.#changed }
    }
    /** The link is as this says from here on. */
    change(changed: Partial<Connection>): void {
      this.#changed = changed
    }
  })(recording, systemClock)
  const telemetry = new Telemetry({ client, clock: systemClock })
  const here = { region: '', websocket: '' }
  const config: DashboardConfig = {
    ...here,
    issuer: 'http://issuer',
    clientId: '',
    version: '',
    regions: [here],
  }
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
      provide: { [appKey as symbol]: parts, [chartEngineKey as symbol]: makeChart },
    },
  })
  opened.push(page)
  await flushPromises()
  await vi.advanceTimersByTimeAsync(600)
  await flushPromises()
  const change = (changed: Partial<Connection>): void => client.change(changed)
  return { page, telemetry, router, change, asked: (action: Action) => asked.get(action) ?? [] }
}

/** Puts the clock into the test's hand, and takes the page away after it. Called once by each file of page tests. */
export function withPages(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now, toFake: ['setInterval', 'clearInterval', 'Date'] })
    // happy-dom lays nothing out: the virtual list would find no room for a row.
    vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600)
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1_000)
  })
  afterEach(() => {
    for (const page of opened.splice(0)) page.unmount()
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
}
