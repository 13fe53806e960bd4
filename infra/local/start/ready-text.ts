import type { System } from '../system.ts'
import type { StartOptions } from './options.ts'
import { partLines } from './terminal.ts'

/** What a person reads when everything runs: one line per part, then the one address to open. */
export function readyText(
  system: System,
  { options, tookMs }: { readonly options: StartOptions; readonly tookMs: number },
): string {
  const { endpoints } = system
  const fleet = options.simulator
    ? (options.scenario ?? 'the demo fleet')
    : `off; try mosquitto_pub -p ${new URL(endpoints.mqtt).port} -t dt/plant-1/my-device/telemetry -m '{"temperature":21.4}'`
  const parts: (readonly [string, string])[] = [
    ['devices', fleet],
    ['broker', endpoints.mqtt],
    ['WebSocket', endpoints.websocket],
    ['AWS APIs', `${endpoints.aws}  (aws --endpoint-url ${endpoints.aws} …)`],
    ['sign-in', endpoints.issuer],
    ['data', options.dataDir ?? 'in memory; --data-dir DIR keeps it'],
  ]
  return `${partLines(parts)}
  Gaugeline is ready after ${(tookMs / 1_000).toFixed(1)} s. Open ${endpoints.dashboard}
  Ctrl-C stops everything.
`
}
