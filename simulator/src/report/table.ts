/** `1,234`, `0.9991`: at most four significant digits behind the point, thousands apart. */
export function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 4
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

/** Lines with columns under each other; numbers to the right. The last column keeps its end. */
export function columns(
  rows: readonly (readonly string[])[],
  { isNumeric = false }: { readonly isNumeric?: boolean } = {},
): string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)))
  }
  return rows.map((row) =>
    row
      .map((cell, index) => {
        const width = widths[index] ?? 0
        return isNumeric && index > 0 ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
