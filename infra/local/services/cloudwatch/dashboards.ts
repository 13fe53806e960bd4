import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { Clock } from '../../platform/types.ts'
import { isStatistic } from './distribution.ts'
import { MathSyntaxError, parseMath } from './math-syntax.ts'

export interface Dashboard {
  readonly name: string
  /** JSON text. */
  readonly body: string
  readonly modifiedMs: number
}

export interface Dashboards {
  put(name: string, body: string): void
  remove(name: string): void
  get(name: string): Dashboard | undefined
  list(): readonly Dashboard[]
}

export function dashboardStore(clock: Clock): Dashboards {
  const dashboards = new Map<string, Dashboard>()
  return {
    put(name, body) {
      dashboards.set(name, { name, body, modifiedMs: clock.now() })
    },
    remove(name) {
      dashboards.delete(name)
    },
    get: (name) => dashboards.get(name),
    list: () => [...dashboards.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

const WIDGETS: readonly string[] = ['metric', 'text', 'log', 'alarm', 'explorer', 'custom']
const VIEWS: readonly string[] = ['timeSeries', 'singleValue', 'gauge', 'bar', 'pie', 'table']
const MAX_WIDGETS = 500
const MAX_METRICS = 500

/** Checks a DashboardBody as PutDashboard does. Throws AwsError `InvalidParameterInput` naming each wrong widget. */
export function checkDashboard(name: string, body: string): void {
  const problems = problemsOf(body)
  if (problems.length === 0) return
  throw new AwsError(
    'InvalidParameterInput',
    `The dashboard ${name} is refused: ${problems.join('; ')}.`,
  )
}

function problemsOf(body: string): readonly string[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return ['the body is not JSON']
  }
  if (!isObject(parsed) || !Array.isArray(parsed.widgets))
    return ['the body has no list of widgets']
  if (parsed.widgets.length > MAX_WIDGETS) return [`more than ${MAX_WIDGETS} widgets`]
  return (parsed.widgets as readonly unknown[]).flatMap((widget, index) =>
    widgetProblems(widget).map((problem) => `widget ${index}: ${problem}`),
  )
}

function widgetProblems(widget: unknown): readonly string[] {
  if (!isObject(widget)) return ['it is not an object']
  const { type, properties, width, height } = widget
  if (typeof type !== 'string' || !WIDGETS.includes(type))
    return [`type ${String(type)} is not one of ${WIDGETS.join(', ')}`]
  const problems: string[] = []
  if (width !== undefined && !(Number(width) >= 1 && Number(width) <= 24))
    problems.push('width is not 1 to 24')
  if (height !== undefined && !(Number(height) >= 1 && Number(height) <= 1000))
    problems.push('height is not 1 to 1000')
  if (!isObject(properties)) return [...problems, 'it has no properties']
  if (type === 'metric') problems.push(...metricProblems(properties))
  if (type === 'text' && typeof properties.markdown !== 'string')
    problems.push('markdown is missing')
  if (type === 'alarm' && !Array.isArray(properties.alarms)) problems.push('alarms is missing')
  return problems
}

function metricProblems(properties: Readonly<Record<string, unknown>>): readonly string[] {
  const { metrics, annotations, view, period } = properties
  const problems = statProblems(properties)
  if (view !== undefined && !(typeof view === 'string' && VIEWS.includes(view))) {
    problems.push(`view is not one of ${VIEWS.join(', ')}`)
  }
  if (period !== undefined && !isPeriod(period)) {
    problems.push('period is not 1, 5, 10, 30 or a multiple of 60')
  }
  if (typeof properties.region !== 'string') problems.push('region is missing')
  if (metrics === undefined) {
    return isObject(annotations)
      ? problems
      : [...problems, 'it has neither metrics nor annotations']
  }
  if (!Array.isArray(metrics) || metrics.length > MAX_METRICS) {
    return [...problems, 'metrics is not a list']
  }
  return [...problems, ...(metrics as readonly unknown[]).flatMap(seriesProblems)]
}

function statProblems({ stat }: Readonly<Record<string, unknown>>): string[] {
  const isValid = stat === undefined || (typeof stat === 'string' && isStatistic(stat))
  return isValid ? [] : [`stat ${JSON.stringify(stat)} is not a statistic`]
}

/** `[namespace, name, dimension, value, …, options]`, `"."` and `"..."` repeat the line before; or `[{expression}]`. */
function seriesProblems(series: unknown): readonly string[] {
  if (!Array.isArray(series) || series.length === 0) return ['a metric is not a list']
  const last: unknown = series.at(-1)
  const options = isObject(last) ? last : {}
  const names = (isObject(last) ? series.slice(0, -1) : series) as readonly unknown[]
  const problems = statProblems(options)
  if (typeof options.expression === 'string') {
    return names.length === 0
      ? [...problems, ...expressionProblems(options.expression)]
      : [...problems, 'an expression has no metric beside it']
  }
  if (!names.every((name) => typeof name === 'string')) {
    return [...problems, 'namespace, name and dimensions are texts']
  }
  const isComplete = names.includes('...') || (names.length >= 2 && names.length % 2 === 0)
  return isComplete
    ? problems
    : [...problems, 'a metric has a namespace, a name and pairs of dimension and value']
}

function expressionProblems(expression: string): readonly string[] {
  // SEARCH, SERVICE_QUOTA and metrics insights are the console's; the rest is metric math.
  if (/\b(SEARCH|SERVICE_QUOTA)\s*\(|^\s*SELECT\b/i.test(expression)) return []
  try {
    parseMath(expression)
    return []
  } catch (error) {
    return [error instanceof MathSyntaxError ? error.message : String(error)]
  }
}

function isPeriod(period: unknown): boolean {
  const seconds = Number(period)
  return [1, 5, 10, 20, 30].includes(seconds) || (seconds > 0 && seconds % 60 === 0)
}
