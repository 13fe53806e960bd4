import { expect, it } from 'vitest'
import { metrics, METRICS_DIMENSION, METRICS_NAMESPACE } from '../../../backend/src/contract.ts'
import { sourcesOf, synthesize } from '../stack.fixture.ts'

/** The metrics of our own that the operations dashboard draws: function and metric. */
function drawn(): readonly (readonly [service: string, metric: string])[] {
  const [dashboard] = synthesize().properties('AWS::CloudWatch::Dashboard')
  // The body is a text with tokens between its parts; a metric is written whole in one of them.
  const body = JSON.stringify(dashboard).replaceAll('\\"', '"')
  const series = new RegExp(
    `\\["${METRICS_NAMESPACE}","(\\w+)","${METRICS_DIMENSION}","([\\w-]+)"`,
    'g',
  )
  return [...body.matchAll(series)].map(([, metric = '', service = '']) => [service, metric])
}

it('the dashboard draws every metric that the functions emit, and no other', () => {
  expect([...new Set(drawn().map(([, metric]) => metric))].sort()).toEqual(
    Object.values(metrics).sort(),
  )
})

it('the dashboard draws a metric of the very function that emits it', () => {
  const keyOf = new Map<string, string>(Object.entries(metrics).map(([key, name]) => [name, key]))
  for (const [service, metric] of drawn())
    expect(sourcesOf(service), `${service} emits ${metric}`).toMatch(
      new RegExp(`\\.${keyOf.get(metric) ?? '?'}\\b`),
    )
})
