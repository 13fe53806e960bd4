import type { ComputedRef } from 'vue'
import { isLinkDown } from '../format/connection-words.ts'
import { formatClock } from '../format/times.ts'
import { useApp } from './use-app.ts'
import { useLook } from './use-look.ts'
import { useSettings } from './use-settings.ts'

/** True while the link is down: a matter of time, not only of what happens. */
export function useLinkDown(): ComputedRef<boolean> {
  const { telemetry } = useApp()
  return useLook(() => isLinkDown(telemetry.client.connection(), Date.now()), { everyMs: 250 })
}

/** The clock time of the newest data on screen while the link is down, else undefined: everything shown then says so. */
export function useAsOf(): ComputedRef<string | undefined> {
  const { telemetry } = useApp()
  const settings = useSettings()
  function read(): string | undefined {
    const connection = telemetry.client.connection()
    const { lastReceivedAt } = connection
    if (lastReceivedAt === undefined || !isLinkDown(connection, Date.now())) return undefined
    return formatClock(lastReceivedAt, settings.zone)
  }
  return useLook(read, { everyMs: 250 })
}
