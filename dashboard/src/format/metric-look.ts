import { matchesTopic } from './topic-pattern.ts'

/** What the deployment declares of a metric. */
export interface MetricFacts {
  readonly label?: string
  /** As it stands beside a number: `°C`, `bar`, `Wh`. */
  readonly unit?: string
}

/** Facts of the metrics of the devices whose topic (`plant-1/pump-7`) fits a pattern; `*` is any run of characters. */
export interface DeclaredMetrics {
  readonly devices: string
  readonly metrics: Readonly<Record<string, MetricFacts>>
}

export interface MetricLook {
  readonly label: string
  /** Only what is declared: a name says nothing about the unit (`pressure` may be Pa or bar). Empty = not known. */
  readonly unit: string
}

/** In the order of their weight. A label says in English what the name says; it claims nothing. */
const labels: Readonly<Record<string, string>> = {
  temperature: 'Temperature',
  humidity: 'Humidity',
  pressure: 'Pressure',
  flow: 'Flow',
  vibration: 'Vibration',
  current: 'Current',
  power: 'Power',
  speed: 'Speed',
  energy: 'Energy',
  level: 'Level',
  co2: 'CO₂',
  battery: 'Battery',
}
const order = Object.keys(labels)

/** How a metric of a device is called, by the first declaration that says it; else by its own name. */
export function metricLook(
  declared: readonly DeclaredMetrics[],
  topic: string,
  metric: string,
): MetricLook {
  const facts = declared
    .filter(
      ({ devices, metrics }) => Object.hasOwn(metrics, metric) && matchesTopic(devices, topic),
    )
    .map(({ metrics }) => metrics[metric])
  const label = facts.find((one) => one?.label !== undefined)?.label ?? labelOf(metric)
  return { label, unit: facts.find((one) => one?.unit !== undefined)?.unit ?? '' }
}

/** Common metrics in the order of their weight, then the others by name. */
export function byMetricOrder(a: string, b: string): number {
  const [left, right] = [order.indexOf(a), order.indexOf(b)]
  if (left < 0 && right < 0) return a < b ? -1 : 1
  if (left < 0 || right < 0) return left < 0 ? 1 : -1
  return left - right
}

function labelOf(metric: string): string {
  return Object.hasOwn(labels, metric) ? (labels[metric] ?? metric) : metric
}
