import { parseDuration } from '../scenario/duration.ts'
import { metrics, type MetricKind, type MetricName } from '../metrics/catalog.ts'

export type Operator = '<' | '<=' | '>' | '>=' | '==' | '!='
export type Aggregate =
  | { readonly name: 'p'; readonly percent: number }
  | { readonly name: 'avg' | 'min' | 'med' | 'max' | 'rate' | 'count' }

/** `p(95)<250ms`: an aggregate of a metric, compared with a limit in ms, per second, as a share or as a number. */
export interface Expression {
  readonly aggregate: Aggregate
  readonly operator: Operator
  readonly limit: number
}

/** What each kind of metric can be asked, as in k6. */
const aggregatesOf: Readonly<Record<MetricKind, readonly string[]>> = {
  latency: ['p(N)', 'avg', 'min', 'med', 'max'],
  share: ['rate'],
  count: ['count', 'rate'],
}
const exampleOf: Readonly<Record<MetricKind, string>> = {
  latency: 'p(95)<250ms',
  share: 'rate>0.999',
  count: 'count==0',
}
const shape = /^([a-z]+)(?:\((\d+(?:\.\d+)?)\))?\s*(<=|>=|==|!=|<|>)\s*(\S+)$/

/** The parts of an expression in k6's grammar, or one sentence on what is wrong with it. */
export function parseExpression(metric: MetricName, text: string): Expression | string {
  const { kind } = metrics[metric]
  const example = `write it as "${exampleOf[kind]}"`
  const match = shape.exec(text.trim())
  if (!match) return `"${text}" is not an aggregate, an operator and a limit; ${example}`
  const [, name = '', percent, operator = '', value = ''] = match
  const aggregate = aggregateOf(name, percent, kind)
  if (!aggregate) {
    return `${metric} has ${aggregatesOf[kind].join(', ')}, not "${text.split(/[<>=!]/)[0]?.trim() ?? ''}"; ${example}`
  }
  const limit = limitOf(value, kind)
  if (limit === undefined)
    return `"${value}" is no limit for ${metric}: ${unitRule(kind)}; ${example}`
  return { aggregate, operator: operator as Operator, limit }
}

function aggregateOf(
  name: string,
  percent: string | undefined,
  kind: MetricKind,
): Aggregate | undefined {
  if (name === 'p') {
    const number = Number(percent)
    const isPercentile = kind === 'latency' && number > 0 && number <= 100
    return isPercentile ? { name, percent: number } : undefined
  }
  const isKnown = percent === undefined && aggregatesOf[kind].includes(name)
  return isKnown ? ({ name } as Aggregate) : undefined
}

function limitOf(value: string, kind: MetricKind): number | undefined {
  if (kind === 'latency') return parseDuration(value)
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}

function unitRule(kind: MetricKind): string {
  if (kind === 'latency') return 'a latency has the unit ms, s, m, h or d'
  return kind === 'share' ? 'a share is a number from 0 to 1' : 'a count is a number without unit'
}
