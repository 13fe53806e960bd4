import type { ActiveFault } from '../faults/active-fault.ts'
import type { Random } from '../random.ts'
import type { Fault } from '../scenario/schema.ts'

type SensorFault = Extract<Fault, { channel: string }>

/**
 * What the sensors say while something is wrong with them, and counts it. `dropout`: no value (null); `stuck`: the magnitude, whatever is
 * true; `drift`: grows to `magnitude`; `spike`: random excursions of that size.
 */
export function applySensorFaults(
  values: Readonly<Record<string, number>>,
  {
    faults,
    nowMs,
    random,
  }: {
    readonly faults: Iterable<ActiveFault>
    readonly nowMs: number
    readonly random: Random
  },
): Record<string, number | null> {
  const result: Record<string, number | null> = { ...values }
  for (const active of faults) {
    const { fault, startMs, endMs } = active
    if (!('channel' in fault) || nowMs < startMs || nowMs >= endMs) continue
    const value = result[fault.channel]
    if (value == null) continue
    const said = faulty(value, { fault, elapsedMs: nowMs - startMs, random })
    if (said !== value) active.effects++
    result[fault.channel] = said
  }
  return result
}

function faulty(
  value: number,
  {
    fault,
    elapsedMs,
    random,
  }: { readonly fault: SensorFault; readonly elapsedMs: number; readonly random: Random },
): number | null {
  switch (fault.kind) {
    case 'dropout':
      return null
    case 'stuck':
      return fault.magnitude
    case 'drift':
      return round(value + (fault.magnitude * elapsedMs) / fault.duration)
    case 'spike':
      return random.next() < 0.1 ? round(value + fault.magnitude * random.normal()) : value
  }
}

function round(value: number): number {
  return Number(value.toFixed(3))
}
