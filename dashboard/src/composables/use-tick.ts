import { onScopeDispose, ref } from 'vue'
import { everyPageTick, PAGE_TICK_MS } from '../page-clock.ts'

/** Ticks made so far, by their length: each begins one step later, so that not all of the page works at once. */
const phases = new Map<number, number>()

/**
 * What Vue sees of the readings: a counter that grows at most four times a second while the page is seen. Calling the returned function
 * in a computed makes that look at the stores again with each count. `everyMs` is rounded up to the ticks of the page.
 */
export function useTick({ everyMs = 500 }: { everyMs?: number } = {}): () => number {
  const tick = ref(0)
  const every = Math.max(1, Math.ceil(everyMs / PAGE_TICK_MS))
  let count = phases.get(every) ?? 0
  phases.set(every, count + 1)
  const stop = everyPageTick(() => {
    count++
    if (count % every === 0) tick.value++
  })
  const show = (): void => {
    if (!document.hidden) tick.value++
  }
  document.addEventListener('visibilitychange', show)
  onScopeDispose(() => {
    stop()
    document.removeEventListener('visibilitychange', show)
  })
  return () => tick.value
}
