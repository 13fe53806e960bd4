/** Many at once, or one alone: transactions and everything that must see no write in between run alone. */
export interface Gate {
  shared<T>(work: () => Promise<T>): Promise<T>
  alone<T>(work: () => Promise<T>): Promise<T>
}

export function createGate(): Gate {
  let running = 0
  let isAlone = false
  const waiting: { readonly alone: boolean; readonly go: () => void }[] = []

  const admit = (): void => {
    for (let next = waiting[0]; next; next = waiting[0]) {
      if (isAlone || (next.alone && running > 0)) return
      waiting.shift()
      running++
      isAlone = next.alone
      next.go()
    }
  }
  const enter = async <T>(alone: boolean, work: () => Promise<T>): Promise<T> => {
    if (alone || isAlone || waiting.length > 0) {
      await new Promise<void>((resolve) => {
        waiting.push({ alone, go: resolve })
        admit()
      })
    } else {
      running++
    }
    try {
      return await work()
    } finally {
      running--
      if (alone) isAlone = false
      admit()
    }
  }
  return { shared: (work) => enter(false, work), alone: (work) => enter(true, work) }
}
