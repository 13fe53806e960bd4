import { isObject } from '../../platform/fields.ts'
import type { Fields } from '../../platform/fields.ts'
import type { Metrics } from '../../platform/types.ts'
import { readFilterPattern } from './filter-pattern.ts'
import type { FilterPattern } from './filter-pattern.ts'
import type { LogEvent } from './log-groups.ts'

/** Metric filters by log group: what a matching event adds to which metric. */
export interface MetricFilters {
  put(name: string, group: string, properties: Fields): void
  remove(name: string): void
  apply(group: string, event: LogEvent): void
}

interface Filter {
  readonly group: string
  readonly pattern: FilterPattern
  readonly transformations: readonly Transformation[]
}

interface Transformation {
  readonly namespace: string
  readonly name: string
  readonly value: string
  readonly unit: string
  readonly dimensions: readonly { readonly key: string; readonly selector: string }[]
}

export function metricFilters(metrics: Metrics): MetricFilters {
  const filters = new Map<string, Filter>()
  return {
    put(name, group, properties) {
      filters.set(name, {
        group,
        pattern: readFilterPattern(properties.text('FilterPattern')),
        transformations: properties.nestedList('MetricTransformations').map(readTransformation),
      })
    },
    remove(name) {
      filters.delete(name)
    },
    apply(group, event) {
      for (const filter of filters.values()) {
        if (filter.group !== group || !filter.pattern.matches(event.message)) continue
        for (const transformation of filter.transformations) publish(metrics, transformation, event)
      }
    },
  }
}

function readTransformation(properties: Fields): Transformation {
  return {
    namespace: properties.text('MetricNamespace'),
    name: properties.text('MetricName'),
    value: properties.text('MetricValue'),
    unit: properties.optionalText('Unit') ?? 'None',
    dimensions: properties
      .nestedList('Dimensions')
      .map((dimension) => ({ key: dimension.text('Key'), selector: dimension.text('Value') })),
  }
}

function publish(metrics: Metrics, transformation: Transformation, event: LogEvent): void {
  const value = Number(resolve(transformation.value, event.message))
  if (!Number.isFinite(value)) return
  const dimensions: Record<string, string> = {}
  for (const { key, selector } of transformation.dimensions) {
    const found = resolve(selector, event.message)
    // A dimension that the event does not have keeps the event out of the metric.
    if (found === undefined) return
    dimensions[key] = found
  }
  const { namespace, name, unit } = transformation
  metrics.put({ namespace, name, dimensions, value, unit, timestampMs: event.timestampMs })
}

/** A literal, or the scalar that `$.a.b` selects in a JSON message. */
function resolve(text: string, message: string): string | undefined {
  if (!text.startsWith('$.')) return text
  try {
    let value: unknown = JSON.parse(message)
    for (const step of text.slice(2).split('.')) value = isObject(value) ? value[step] : undefined
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  } catch {
    return undefined
  }
}
