import { computed, type ComputedRef, onScopeDispose, watch } from 'vue'
import { byMetricOrder } from '../format/metric-look.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { useApp } from './use-app.ts'
import { useAsOf } from './use-as-of.ts'
import { useConnection } from './use-connection.ts'
import { type FleetRow, useFleetRow } from './use-fleet.ts'
import { isSameList, useLook } from './use-look.ts'
import { useTick } from './use-tick.ts'
import type { TimeWindow } from './use-time-window.ts'

/** One device, watched in complete mode for as long as the component lives. */
export interface WatchedDevice {
  readonly timeline: Timeline | undefined
  readonly row: ComputedRef<FleetRow | undefined>
  readonly metrics: ComputedRef<readonly string[]>
  /** Why the server refuses it. */
  readonly denied: ComputedRef<string | undefined>
  readonly notesAt: ComputedRef<readonly number[]>
  /** What is shown does not follow the device now: it is not live, or the link is down. */
  readonly isStale: ComputedRef<boolean>
  /** Clock time of the newest data while the link is down. */
  readonly asOf: ComputedRef<string | undefined>
  /** Epoch milliseconds of the oldest that is held, while nobody has chosen a window. */
  readonly oldestMs: ComputedRef<number | undefined>
  /** Readings that have come since the pause. */
  readonly newSincePause: ComputedRef<number>
  /** Typical milliseconds between its readings. */
  readonly intervalMs: ComputedRef<number | undefined>
  /** A part of the window is not known yet. */
  readonly isLoading: ComputedRef<boolean>
}

/** The readings of so long come with the subscribe; what is older is asked for by what the window shows of it. */
const LIVE_MS = 300_000

export function useDevice(topic: string, time: TimeWindow): WatchedDevice {
  const { telemetry } = useApp()
  const { windowMs, pausedAt } = time
  onScopeDispose(telemetry.watch(topic, LIVE_MS))
  const timeline = telemetry.timeline(topic)
  const feed = timeline?.feed
  loadShown(topic, time)

  const row = useFleetRow(topic)
  const asOf = useAsOf()
  const metrics = useLook(() => (timeline?.metrics ?? []).toSorted(byMetricOrder), {
    isSame: isSameList,
  })
  const notesAt = useLook(() => telemetry.notesFor(topic).map((note) => note.at), {
    isSame: isSameList,
  })
  const oldestMs = useLook(() => {
    if (time.isChosen.value) return undefined
    return timeline?.oldestMs
  })
  const newSincePause = useLook(() => {
    if (pausedAt.value === undefined || !feed) return 0
    return feed.series.length - feed.series.rowAt(pausedAt.value + 1)
  })
  return {
    timeline,
    row,
    metrics,
    denied: useLook(() => telemetry.denied.get(topic)),
    notesAt,
    isStale: computed(() => row.value?.status !== 'live' || asOf.value !== undefined),
    asOf,
    oldestMs,
    newSincePause,
    intervalMs: useLook(() => feed?.series.intervalMs),
    isLoading: useLook(() => {
      const nowMs = telemetry.serverNow()
      const toMs = pausedAt.value ?? nowMs
      return timeline?.isUnknown({ fromMs: toMs - windowMs.value, toMs }, nowMs) ?? false
    }),
  }
}

/** Asks for what the window shows and nobody has asked for yet, with each change and once a second. */
function loadShown(topic: string, { windowMs, pausedAt }: TimeWindow): void {
  const { telemetry } = useApp()
  const connection = useConnection()
  const tick = useTick({ everyMs: 1_000 })
  watch(
    () => connection.value.phase,
    (phase) => {
      if (phase === 'live') void telemetry.loadNotes(topic)
    },
    { immediate: true },
  )
  watch(
    [windowMs, pausedAt, () => connection.value.phase, tick],
    () => {
      if (connection.value.phase !== 'live') return
      const toMs = pausedAt.value ?? telemetry.serverNow()
      void telemetry.load(topic, { fromMs: toMs - windowMs.value, toMs })
    },
    { immediate: true },
  )
}
