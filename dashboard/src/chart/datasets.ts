import type { ChartColumns } from './columns.ts'

export interface Point {
  readonly x: number
  /** NaN breaks the line. */
  readonly y: number
}

/** What the drawing engine is given: the points of the line, and those that stand alone because they came late. */
export interface Datasets {
  readonly line: Point[]
  readonly late: Point[]
}

export function datasetsOf({ x, y, late }: Pick<ChartColumns, 'x' | 'y' | 'late'>): Datasets {
  return { line: points(x, y), late: points(late.x, late.y) }
}

function points(x: readonly number[], y: readonly number[]): Point[] {
  return x.map((at, i) => ({ x: at, y: y[i] ?? Number.NaN }))
}
