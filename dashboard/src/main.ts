import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { appKey } from './composables/use-app.ts'
import { useSettings } from './composables/use-settings.ts'
import { type DashboardConfig, loadConfig } from './config.ts'
import { inspect } from './inspection.ts'
import { makeRouter } from './router.ts'
import { fixedSession, oidcSession, type Session } from './session/session.ts'
import { systemClock } from './stream/clock.ts'
import { LiveClient } from './stream/live-client.ts'
import type { SocketLike } from './stream/socket-session.ts'
import { Telemetry } from './stream/telemetry.ts'
import { SignInNeeded } from './stream/token-source.ts'
import './styles/app.css'

function sessionOf(config: DashboardConfig): Session {
  if (import.meta.env.DEV && config.devToken !== undefined) {
    return fixedSession(config.devToken, nextDevToken)
  }
  return oidcSession(config)
}

/** The development server has no token any more once its session has ended. */
async function nextDevToken(): Promise<string> {
  const { devToken } = await loadConfig()
  if (devToken === undefined) throw new SignInNeeded('Your session has ended.')
  return devToken
}

function telemetryOf(config: DashboardConfig, session: Session): Telemetry {
  const client = new LiveClient({
    url: config.websocket,
    token: session.token,
    // A browser's handlers also take events of their own kind: the session uses fewer parameters of them.
    openSocket: (url, protocols) => new WebSocket(url, protocols) as unknown as SocketLike,
    clock: systemClock,
    random: Math.random,
    name: `web/${config.version}`.slice(0, 64),
  })
  const wake = (): void => client.wake()
  window.addEventListener('online', wake)
  window.addEventListener('offline', wake)
  window.addEventListener('pageshow', wake)
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) wake()
  })
  return new Telemetry({ client, clock: systemClock })
}

function showFailure(error: unknown): void {
  const text = document.createElement('p')
  text.className = 'start-failure'
  text.textContent = `Gaugeline cannot start. ${error instanceof Error ? error.message : String(error)}`
  document.querySelector('#app')?.replaceChildren(text)
}

async function start(): Promise<void> {
  const config = await loadConfig()
  const session = sessionOf(config)
  const telemetry = telemetryOf(config, session)
  window.__gaugeline = inspect(telemetry)
  const app = createApp(App).use(createPinia())
  useSettings()
  app.provide(appKey, { config, session, telemetry })
  app.use(makeRouter(session)).mount('#app')
}

start().catch(showFailure)
