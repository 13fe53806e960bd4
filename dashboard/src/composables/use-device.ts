import { computed, type ComputedRef, onScopeDispose, watch } from 'vue'
import { byMetricOrder } from '../format/numbers.ts'
import type { DeviceFeed } from '../stream/device-feed.ts'
import { useApp } from './use-app.ts'
import { useAsOf } from './use-as-of.ts'
import { useConnection } from './use-connection.ts'
import { type FleetRow, useFleetRow } from './use-fleet.ts'
import { isSameList, useLook } from './use-look.ts'
import type { TimeWindow } from './use-time-window.ts'

/** One device, watched in complete mode for as long as the component lives. */
export interface WatchedDevice {
  readonly feed: DeviceFeed | undefined
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
}

export function useDevice(topic: string, time: TimeWindow): WatchedDevice {
  const { telemetry } = useApp()
  const { windowMs, pausedAt } = time
  onScopeDispose(telemetry.watch(topic, windowMs.value))
  const feed = telemetry.feed(topic)
  reachBack(topic, time)

  const row = useFleetRow(topic)
  const asOf = useAsOf()
  const metrics = useLook(() => (feed?.series.metrics ?? []).toSorted(byMetricOrder), {
    isSame: isSameList,
  })
  const notesAt = useLook(() => telemetry.notesFor(topic).map((note) => note.at), {
    isSame: isSameList,
  })
  const oldestMs = useLook(() => {
    if (time.isChosen.value || !feed) return undefined
    return Math.min(feed.series.firstTs ?? Infinity, feed.coarse?.ts[0] ?? Infinity)
  })
  const newSincePause = useLook(() => {
    if (pausedAt.value === undefined || !feed) return 0
    return feed.series.length - feed.series.rowAt(pausedAt.value + 1)
  })
  return {
    feed,
    row,
    metrics,
    denied: useLook(() => telemetry.denied.get(topic)),
    notesAt,
    isStale: computed(() => row.value?.status !== 'live' || asOf.value !== undefined),
    asOf,
    oldestMs,
    newSincePause,
    intervalMs: useLook(() => feed?.series.intervalMs),
  }
}

/** Asks for what the window shows and nobody has asked for yet, whenever it reaches farther back. */
function reachBack(topic: string, { windowMs, pausedAt }: TimeWindow): void {
  const { telemetry } = useApp()
  const connection = useConnection()
  const isLive = computed(() => connection.value.phase === 'live')
  watch(
    [windowMs, pausedAt, isLive],
    () => {
      const behindMs = pausedAt.value === undefined ? 0 : telemetry.serverNow() - pausedAt.value
      if (isLive.value) void telemetry.widen(topic, windowMs.value + behindMs)
    },
    { immediate: true },
  )
}
