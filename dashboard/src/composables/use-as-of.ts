import { computed, type ComputedRef } from 'vue'
import { isLinkDown } from '../format/connection-words.ts'
import { formatClock } from '../format/times.ts'
import { useConnection } from './use-connection.ts'
import { useSettings } from './use-settings.ts'

/** The clock time of the newest data on screen while the link is down, else undefined: everything shown then says so. */
export function useAsOf(): ComputedRef<string | undefined> {
  const connection = useConnection()
  const settings = useSettings()
  return computed(() => {
    const { lastReceivedAt } = connection.value
    if (lastReceivedAt === undefined || !isLinkDown(connection.value, Date.now())) return undefined
    return formatClock(lastReceivedAt, settings.zone)
  })
}
