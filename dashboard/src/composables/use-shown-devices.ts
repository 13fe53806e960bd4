import { onScopeDispose, watch } from 'vue'
import { systemClock } from '../stream/clock.ts'
import { LastReadings } from '../stream/last-readings.ts'
import { Trends } from '../stream/trends.ts'
import { useApp } from './use-app.ts'

/**
 * Asks for what the pushes alone do not bring of the devices on screen: the minute before the page was opened, and the last readings of
 * those that have fallen silent.
 */
export function useShownDevices(topics: () => readonly string[]): void {
  const { telemetry } = useApp()
  const { client, fleet } = telemetry
  const serverNow = (): number => telemetry.serverNow()
  const trends = new Trends({ client, fleet, clock: systemClock })
  const lastReadings = new LastReadings({ client, fleet, clock: systemClock, serverNow })
  function want(shown: readonly string[]): void {
    trends.want(shown)
    lastReadings.want(shown)
  }
  // A new list with each tick: who has fallen silent is a matter of time.
  watch(topics, want, { immediate: true })
  onScopeDispose(() => want([]))
}
