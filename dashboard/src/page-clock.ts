/** Milliseconds between two ticks of the page. */
export const PAGE_TICK_MS = 125

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function tick(): void {
  if (document.hidden) return
  for (const listener of listeners) listener()
}

/**
 * Calls back eight times a second while the page is seen, and at once when it is seen again, until the returned function is called. All of
 * the page keeps this one time, so that what changes in a tick becomes one picture of the screen.
 */
export function everyPageTick(listener: () => void): () => void {
  if (listeners.size === 0) {
    timer = setInterval(tick, PAGE_TICK_MS)
    document.addEventListener('visibilitychange', tick)
  }
  listeners.add(listener)
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return
    clearInterval(timer)
    document.removeEventListener('visibilitychange', tick)
  }
}
