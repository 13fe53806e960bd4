import type { DeclaredMetrics } from './format/metric-look.ts'
import { chosenRegion, type Region } from './region.ts'

/** What the deployment tells the page, as `/config.json`. */
interface DeployedConfig {
  /** `wss://…/stage`. */
  readonly websocket: string
  /** Where else the system runs. */
  readonly otherRegions?: readonly Region[]
  /** OIDC issuer. */
  readonly issuer: string
  readonly clientId: string
  readonly region: string
  readonly version: string
  /** OIDC scopes; `openid` if absent. */
  readonly scope?: string
  /** Names and units of metrics; none is guessed. */
  readonly metrics?: readonly DeclaredMetrics[]
  /** Development only: a token to use instead of signing in. */
  readonly devToken?: string
}

/** The same for the region that is shown, whose name and address are `region` and `websocket`. */
export interface DashboardConfig extends DeployedConfig {
  /** All of them, the page's own first. */
  readonly regions: readonly [Region, ...Region[]]
}

const needed = ['websocket', 'issuer', 'clientId'] as const

/** Reads `/config.json`. Throws an Error for people when it is missing or incomplete. */
export async function loadConfig(): Promise<DashboardConfig> {
  const response = await fetch('/config.json', { cache: 'no-store' })
  if (!response.ok) {
    throw new Error(
      `/config.json answered ${response.status}. It is written by the deployment; deploy again.`,
    )
  }
  const config = (await response.json()) as Partial<DeployedConfig>
  for (const name of needed) {
    if (typeof config[name] !== 'string') {
      throw new Error(
        `/config.json has no "${name}". It is written by the deployment; deploy again.`,
      )
    }
  }
  return withRegion({ region: '', version: '', ...config } as DeployedConfig)
}

function withRegion(config: DeployedConfig): DashboardConfig {
  const { region, websocket, otherRegions = [] } = config
  const regions = [{ region, websocket }, ...otherRegions] as const
  const asked = new URLSearchParams(location.search).get('region')
  return { ...config, ...chosenRegion(regions, asked), regions }
}
