import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useApp } from './use-app.ts'

export const windowChoices = [
  { minutes: 1, label: '1 min' },
  { minutes: 5, label: '5 min' },
  { minutes: 15, label: '15 min' },
  { minutes: 60, label: '1 h' },
] as const

/** The part of the time axis that the charts show; kept in the URL as `w` (minutes) and, while paused, `at` (epoch ms of the right edge). */
export interface TimeWindow {
  readonly windowMs: ComputedRef<number>
  /** Epoch milliseconds of the right edge while paused, else undefined: the edge is the server's now. */
  readonly pausedAt: ComputedRef<number | undefined>
  /** False while nobody has chosen a window: it may then be drawn shorter until there is enough to fill it. */
  readonly isChosen: ComputedRef<boolean>
  setMinutes: (minutes: number) => void
  pause: () => void
  live: () => void
  togglePause: () => void
  /** Moves the right edge by a share of the window; never beyond now. */
  shift: (share: number) => void
  /** One choice wider (1) or narrower (-1). */
  zoom: (step: 1 | -1) => void
}

export function useTimeWindow(): TimeWindow {
  const { telemetry } = useApp()
  const route = useRoute()
  const router = useRouter()
  const minutes = computed(() => {
    const wanted = Number(route.query['w'])
    return windowChoices.some((choice) => choice.minutes === wanted) ? wanted : 5
  })
  const windowMs = computed(() => minutes.value * 60_000)
  const pausedAt = computed(() => {
    const at = Number(route.query['at'])
    return at > 0 ? at : undefined
  })

  function show(change: Record<string, string | undefined>): void {
    const next = Object.entries({ ...route.query, ...change }).filter(([, value]) => value)
    void router.replace({ query: Object.fromEntries(next) })
  }
  const setMinutes = (wanted: number): void => show({ w: String(wanted) })
  const pause = (): void => show({ at: String(Math.round(telemetry.serverNow())) })
  const live = (): void => show({ at: undefined })

  return {
    windowMs,
    pausedAt,
    isChosen: computed(() => route.query['w'] !== undefined || pausedAt.value !== undefined),
    setMinutes,
    pause,
    live,
    togglePause: () => (pausedAt.value === undefined ? pause() : live()),
    shift(share) {
      const now = telemetry.serverNow()
      const at = (pausedAt.value ?? now) + share * windowMs.value
      show({ at: at >= now ? undefined : String(Math.round(at)) })
    },
    zoom(step) {
      const index = windowChoices.findIndex((choice) => choice.minutes === minutes.value)
      const next = windowChoices[index + step]
      if (next) setMinutes(next.minutes)
    },
  }
}
