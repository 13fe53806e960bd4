import type { Drawn } from './line-chart.ts'

/** The charts of a page by device and metric, so that a test can look at what each has drawn. */
export class Drawings {
  readonly #charts = new Map<string, () => Drawn | undefined>()

  /** Until the returned function is called. */
  add(topic: string, metric: string, drawn: () => Drawn | undefined): () => void {
    const key = `${topic} ${metric}`
    this.#charts.set(key, drawn)
    return () => {
      if (this.#charts.get(key) === drawn) this.#charts.delete(key)
    }
  }

  get(topic: string, metric: string): Drawn | undefined {
    return this.#charts.get(`${topic} ${metric}`)?.()
  }
}

export const pageDrawings = new Drawings()
