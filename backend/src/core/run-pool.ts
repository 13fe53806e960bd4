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
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
}
