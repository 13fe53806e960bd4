/** One figure beside its limit or peer of the same run. */
export interface Row {
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** What the value is held against, and its value in the same unit. */
  readonly against: string
  readonly limit: number
  /** True when less is better (default). */
  readonly lessIsBetter?: boolean
}

/** A text table with the ratio of each figure to its limit; `ok` or `over` at the end of each line. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.figure,
    `${round(row.value)} ${row.unit}`,
    `${row.against}: ${round(row.limit)} ${row.unit}`,
    `${round(row.value / row.limit)} ×`,
    isWithin(row) ? 'ok' : 'over',
  ])
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  )
  return cells
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .join('\n')
}

export function isWithin(row: Row): boolean {
  return row.lessIsBetter === false ? row.value >= row.limit : row.value <= row.limit
}

/** The value at a share of the sorted list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function round(value: number): string {
  return Number(value.toPrecision(3)).toString()
}
