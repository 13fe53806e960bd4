/**
 * Waits for all of them, also when one fails, and then rejects with the first failure. Nothing goes on behind the back of who waited: an
 * execution environment may be frozen then, and a write that it finishes when it thaws would be older than what others wrote meanwhile.
 */
export async function awaitAll<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const outcomes = await Promise.allSettled(promises)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return Promise.all(promises)
}

/** Runs a task for each item, at most so many at once, begun in order. Rejects with the first failure; nothing new is begun then. */
export async function runPool<Item>(
  items: readonly Item[],
  atOnce: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  let hasFailed = false
  const queue = items.values()
  const work = async (): Promise<void> => {
    for (const item of queue) {
      if (hasFailed) return
      try {
        await task(item)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  await awaitAll(Array.from({ length: Math.min(atOnce, items.length) }, work))
}
