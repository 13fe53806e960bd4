import type { Metrics } from '../../platform/types.ts'

/** Writes one value under the dimension sets that AWS/Lambda has (LAMBDA-25, LAMBDA-26): function, function and resource, account. */
export type PutMetric = (
  name: string,
  datum: { readonly value: number; readonly unit: string; readonly timestampMs: number },
) => void

export function functionMetrics(metrics: Metrics, functionName: string): PutMetric {
  const dimensionSets = [
    { FunctionName: functionName },
    { FunctionName: functionName, Resource: functionName },
    {},
  ]
  return (name, datum) => {
    for (const dimensions of dimensionSets)
      metrics.put({ namespace: 'AWS/Lambda', name, dimensions, ...datum })
  }
}
