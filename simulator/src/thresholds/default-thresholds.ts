import type { MetricName } from '../metrics/catalog.ts'
import type { ThresholdInput } from '../scenario/schema.ts'
import { compileThresholds, type Threshold } from './thresholds.ts'

/**
 * What must hold of every run, so that a scenario that asks for nothing does not pass with a broker that was gone. A threshold of the scenario for
 * the same metric takes the default's place.
 */
const always: Readonly<Partial<Record<MetricName, string>>> = {
  'connect.success': 'rate>=0.99',
  'connections.kept': 'rate>=0.99',
  'messages.missing': 'count==0',
}
const withVerify: Readonly<Partial<Record<MetricName, string>>> = {
  'e2e.missing': 'count==0',
  'e2e.pushed': 'rate>=0.99',
}

/** The defaults for the metrics that `written` says nothing about. */
export function defaultThresholds(
  written: Readonly<Record<string, ThresholdInput>>,
  { hasVerify }: { readonly hasVerify: boolean },
): readonly Threshold[] {
  const defaults = Object.entries({ ...always, ...(hasVerify && withVerify) })
  const missing = defaults.filter(([metric]) => !Object.hasOwn(written, metric))
  const compiled = compileThresholds(Object.fromEntries(missing), { hasVerify })
  if ('problem' in compiled) throw new TypeError(compiled.problem.message)
  return compiled.thresholds.map((threshold) => ({ ...threshold, isDefault: true }))
}
