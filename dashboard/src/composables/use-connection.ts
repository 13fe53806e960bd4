import { computed, type ComputedRef } from 'vue'
import type { Connection } from '../stream/stream-client.ts'
import { useApp } from './use-app.ts'
import { useTick } from './use-tick.ts'

/** The connection as of the last tick (250 ms), so that a flicker of the link is no flicker of the page. */
export function useConnection(): ComputedRef<Connection> {
  const { telemetry } = useApp()
  const tick = useTick({ everyMs: 250 })
  return computed(() => {
    tick()
    return telemetry.client.connection()
  })
}
