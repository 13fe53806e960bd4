import { computed, type ComputedRef } from 'vue'
import { useApp } from './use-app.ts'
import { useQuery } from './use-query.ts'

export const windowChoices = [
  { minutes: 1, label: '1 min' },
  { minutes: 5, label: '5 min' },
  { minutes: 15, label: '15 min' },
  { minutes: 60, label: '1 h' },
  { minutes: 24 * 60, label: '24 h' },
  { minutes: 7 * 24 * 60, label: '7 d' },
] as const

const DEFAULT_MINUTES = 5
const LEAST_MINUTES = 5 / 60
const MOST_MINUTES = 7 * 24 * 60
/** What a link may name: later ones are no dates (ECMA-262, time values). */
const LAST_MS = 8.64e15 - MOST_MINUTES * 60_000

/**
 * The part of the time axis that the charts show; kept in the URL as `w` (minutes, also a part of one) and, while paused, `at` (epoch ms of
 * the right edge).
 */
export interface TimeWindow {
  readonly windowMs: ComputedRef<number>
  /** Epoch milliseconds of the right edge while paused, else undefined: the edge is the server's now. */
  readonly pausedAt: ComputedRef<number | undefined>
  /** False while nobody has chosen a window: it may then be drawn shorter until there is enough to fill it. */
  readonly isChosen: ComputedRef<boolean>
  setMinutes: (minutes: number) => void
  live: () => void
  togglePause: () => void
  /** Shows exactly this part, standing still. Epoch milliseconds. */
  show: (range: { readonly fromMs: number; readonly toMs: number }) => void
  /** Moves the right edge by a share of the window; never beyond now. */
  move: (share: number) => void
  /** To the next wider (1) or narrower (-1) choice. */
  zoom: (step: 1 | -1) => void
}

export function useTimeWindow(): TimeWindow {
  const { telemetry } = useApp()
  const query = useQuery()
  const minutes = computed(() => {
    const wanted = Number(query.get('w'))
    return wanted > 0 ? Math.max(LEAST_MINUTES, Math.min(MOST_MINUTES, wanted)) : DEFAULT_MINUTES
  })
  const windowMs = computed(() => Math.round(minutes.value * 60_000))
  const pausedAt = computed(() => {
    const at = Number(query.get('at'))
    return at > 0 && at <= LAST_MS ? at : undefined
  })
  const setMinutes = (wanted: number): void => query.set({ w: String(wanted) })
  const live = (): void => query.set({ at: undefined })

  return {
    windowMs,
    pausedAt,
    isChosen: computed(() => query.get('w') !== '' || pausedAt.value !== undefined),
    setMinutes,
    live,
    togglePause() {
      if (pausedAt.value !== undefined) live()
      else query.set({ at: String(Math.round(telemetry.serverNow())) })
    },
    show({ fromMs, toMs }) {
      const wanted = Math.max(LEAST_MINUTES, (toMs - fromMs) / 60_000)
      query.set({ w: String(Number(wanted.toFixed(4))), at: String(Math.round(toMs)) })
    },
    move(share) {
      const now = telemetry.serverNow()
      const at = (pausedAt.value ?? now) + share * windowMs.value
      query.set({ at: at >= now ? undefined : String(Math.round(at)) })
    },
    zoom(step) {
      const next =
        step === 1
          ? windowChoices.find((choice) => choice.minutes > minutes.value)
          : windowChoices.findLast((choice) => choice.minutes < minutes.value)
      if (next) setMinutes(next.minutes)
    },
  }
}
