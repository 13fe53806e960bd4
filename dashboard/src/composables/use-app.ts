import { inject, type InjectionKey } from 'vue'
import type { DashboardConfig } from '../config.ts'
import type { Session } from '../session/session.ts'
import type { Telemetry } from '../stream/telemetry.ts'

/** The three things every page may need. None is reactive: see useTick for when to look again. */
export interface App {
  readonly config: DashboardConfig
  readonly session: Session
  readonly telemetry: Telemetry
}

export const appKey: InjectionKey<App> = Symbol('app')

/** The app's parts. Throws TypeError outside the app's component tree. */
export function useApp(): App {
  const app = inject(appKey)
  if (!app) throw new TypeError('useApp is called outside the app')
  return app
}
