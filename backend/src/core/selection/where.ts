import { limits, type FilterLeaf, type Where } from '../../protocol/index.ts'

/** The value of a metric in the reading that is asked about; null or undefined when it has none. */
export type ValueOf = (metric: string) => number | null | undefined

/** Whether a reading matches. A metric without a value makes every comparison false, `neq` and `in` among them. */
export function matchesWhere(where: Where, valueOf: ValueOf): boolean {
  if (!('nodes' in where)) return matchesLeaf(where, valueOf(where.metric))
  switch (where.op) {
    case 'and':
      return where.nodes.every((node) => matchesWhere(node, valueOf))
    case 'or':
      return where.nodes.some((node) => matchesWhere(node, valueOf))
    case 'not':
      return !where.nodes.some((node) => matchesWhere(node, valueOf))
  }
}

/** The rule of `where` that the schema cannot say and this one breaks, as the end of a sentence; undefined when it is fine. */
export function whereProblem(where: Where): string | undefined {
  if (JSON.stringify(where).length > limits.filterBytes) {
    return `is longer than ${limits.filterBytes} bytes`
  }
  const { leaves, depth } = measure(where)
  if (leaves > limits.filterLeaves) return `has more than ${limits.filterLeaves} comparisons`
  if (depth > limits.filterDepth) return `is nested deeper than ${limits.filterDepth} levels`
  return leafProblem(where)
}

function matchesLeaf(leaf: FilterLeaf, found: number | null | undefined): boolean {
  if (found === null || found === undefined) return false
  const { op, value } = leaf
  if (op === 'exists') return true
  if (op === 'in') return Array.isArray(value) && value.includes(found)
  if (typeof value !== 'number') return false
  switch (op) {
    case 'eq':
      return found === value
    case 'neq':
      return found !== value
    case 'gt':
      return found > value
    case 'gte':
      return found >= value
    case 'lt':
      return found < value
    case 'lte':
      return found <= value
  }
}

function measure(where: Where): { leaves: number; depth: number } {
  if (!('nodes' in where)) return { leaves: 1, depth: 1 }
  const below = where.nodes.map(measure)
  return {
    leaves: below.reduce((sum, node) => sum + node.leaves, 0),
    depth: 1 + Math.max(...below.map((node) => node.depth)),
  }
}

function leafProblem(where: Where): string | undefined {
  if ('nodes' in where) return where.nodes.map(leafProblem).find((text) => text !== undefined)
  const { op, value } = where
  if (op === 'exists') return undefined
  if (op === 'in')
    return Array.isArray(value) ? undefined : 'compares "in" with something other than a list'
  return typeof value === 'number'
    ? undefined
    : `compares "${op}" with something other than a number`
}
