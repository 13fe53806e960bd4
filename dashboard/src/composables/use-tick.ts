import { onScopeDispose, ref } from 'vue'

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

const TICK_MS = 250
/** Ticks made so far, by their length: each begins one step later, so that not all of the page works at once. */
const phases = new Map<number, number>()

function run(): void {
  if (document.hidden) return
  for (const listener of listeners) listener()
}

/**
 * What Vue sees of the readings: a counter that grows at most four times a second while the page is seen. Calling the returned function
 * in a computed makes that look at the stores again with each count. `everyMs` is rounded up to 250 ms.
 */
export function useTick({ everyMs = 500 }: { everyMs?: number } = {}): () => number {
  const tick = ref(0)
  const every = Math.max(1, Math.ceil(everyMs / TICK_MS))
  let count = phases.get(every) ?? 0
  phases.set(every, count + 1)
  const listener = (): void => {
    count++
    if (count % every === 0) tick.value++
  }
  const show = (): void => {
    if (!document.hidden) tick.value++
  }
  listeners.add(listener)
  timer ??= setInterval(run, TICK_MS)
  document.addEventListener('visibilitychange', show)
  onScopeDispose(() => {
    listeners.delete(listener)
    document.removeEventListener('visibilitychange', show)
    if (listeners.size === 0 && timer) {
      clearInterval(timer)
      timer = undefined
    }
  })
  return () => tick.value
}
