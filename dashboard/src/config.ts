/** What the deployment tells the page, as `/config.json`. */
export interface DashboardConfig {
  /** `wss://…/stage`. */
  readonly websocket: string
  /** OIDC issuer. */
  readonly issuer: string
  readonly clientId: string
  readonly region: string
  readonly version: string
  /** OIDC scopes; `openid` if absent. */
  readonly scope?: string
  /** Development only: a token to use instead of signing in. */
  readonly devToken?: string
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
  const config = (await response.json()) as Partial<DashboardConfig>
  for (const name of needed) {
    if (typeof config[name] !== 'string') {
      throw new Error(
        `/config.json has no "${name}". It is written by the deployment; deploy again.`,
      )
    }
  }
  return { region: '', version: '', ...config } as DashboardConfig
}
