import { computed, type ComputedRef } from 'vue'
import { useTick } from './use-tick.ts'

export interface LookOptions<T> {
  /** Between two looks, milliseconds; 500 without. */
  readonly everyMs?: number
  /** When the next look found nothing new; without it, when both are the same value. */
  readonly isSame?: (before: T, next: T) => boolean
}

/**
 * What `read` finds in the stores, which are not reactive, looked at with each tick. While nothing is new it stays the very same object,
 * so that nothing is rendered again for it.
 */
export function useLook<T>(read: () => T, options: LookOptions<T> = {}): ComputedRef<T> {
  const { everyMs = 500, isSame = Object.is } = options
  const tick = useTick({ everyMs })
  let held: { readonly value: T } | undefined
  return computed(() => {
    tick()
    const value = read()
    if (!held || !isSame(held.value, value)) held = { value }
    return held.value
  })
}

/** The same members in the same order. */
export function isSameList(before: readonly unknown[], next: readonly unknown[]): boolean {
  return before.length === next.length && before.every((member, i) => member === next[i])
}
