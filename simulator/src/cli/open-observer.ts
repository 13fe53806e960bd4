import type { SecureContext } from 'node:tls'
import { UsageError } from '../errors.ts'
import type { Observer } from '../run/run-scenario.ts'
import type { Scenario } from '../scenario/schema.ts'
import { plannedMs } from '../scenario/shape.ts'
import type { RunFlags } from './flags.ts'
import { readEndpoints, readLocalKey } from './local-state.ts'
import type { Terminal } from './terminal.ts'

/** Beyond the run: for what is still under way at its end. */
const spareMs = 600_000
const tokenWithinMs = 10_000

/**
 * The subscriber that `verify` asks for, connected and subscribed; undefined without `verify`. Throws {@link UsageError} when there is no
 * WebSocket API or no token for it.
 */
export async function openObserver(
  scenario: Scenario,
  flags: RunFlags,
  {
    terminal,
    log,
    secureContext,
  }: {
    readonly terminal: Terminal
    readonly secureContext: SecureContext | undefined
    readonly log: (event: string, facts: Record<string, unknown>) => void
  },
): Promise<Observer | undefined> {
  if (!scenario.verify) return undefined
  const { stateDir } = flags
  const url =
    flags.websocket ??
    readEndpoints(stateDir, { instead: 'name the API with --websocket wss://… for verify' })
      .websocket
  const { signal } = terminal
  const token = terminal.token ?? (await localToken(stateDir, plannedMs(scenario), signal))
  if (token === undefined) return undefined
  const { sampleTopics } = await import('../verify/sample.ts')
  const { WebSocketObserver } = await import('../verify/web-socket-observer.ts')
  const observer = new WebSocketObserver({
    url,
    token,
    topics: sampleTopics(scenario),
    log,
    secureContext,
  })
  // Who stops the run meanwhile does not wait for the API.
  const stopped = new Promise<'stopped'>((resolve) => {
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
  const outcome = await Promise.race([observer.connect(), stopped])
  if (outcome !== 'stopped') return observer
  observer.abandon()
  return undefined
}

/** As `npm run token` asks for one: a viewer of everything. */
async function localToken(
  stateDir: string,
  runMs: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { issuer } = readEndpoints(stateDir, { instead: 'set GAUGELINE_TOKEN for verify' })
  const key = readLocalKey(stateDir)
  const expiresIn = Math.min(86_400, Math.ceil(((runMs ?? 86_400_000) + spareMs) / 1_000))
  const response = await fetch(`${issuer}/local/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-gaugeline-key': key ?? '' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(tokenWithinMs)]),
    body: JSON.stringify({ user: 'load-run', roles: ['viewer'], devices: ['#'], expiresIn }),
  }).catch(() => undefined)
  if (signal.aborted) return undefined
  if (response?.ok !== true) {
    throw new UsageError(
      `verify needs a token, and ${issuer} gave none (${response ? `status ${response.status}` : 'no answer'}); start the system with npm start, or set GAUGELINE_TOKEN`,
    )
  }
  return ((await response.json()) as { token: string }).token
}
