import type { Random } from '../random.ts'
import type { SensorFault } from '../scenario/schema.ts'

/**
 * What the sensors say while something is wrong with them. `dropout`: no value (null); `stuck`: the value of the start is kept by
 * reporting a constant; `drift`: grows to `magnitude`; `spike`: random excursions of that size.
 */
export function applySensorFaults(
  values: Readonly<Record<string, number>>,
  {
    faults,
    elapsedMs,
    random,
  }: { faults: readonly SensorFault[]; elapsedMs: number; random: Random },
): Record<string, number | null> {
  const result: Record<string, number | null> = { ...values }
  for (const fault of faults) {
    if (
      elapsedMs < fault.at ||
      elapsedMs >= fault.at + fault.duration ||
      fault.channel === undefined
    )
      continue
    const value = result[fault.channel]
    if (value == null) continue
    result[fault.channel] = faulty(value, { fault, elapsedMs, random })
  }
  return result
}

function faulty(
  value: number,
  { fault, elapsedMs, random }: { fault: SensorFault; elapsedMs: number; random: Random },
): number | null {
  switch (fault.kind) {
    case 'dropout':
      return null
    case 'stuck':
      return fault.magnitude
    case 'drift':
      return round(value + (fault.magnitude * (elapsedMs - fault.at)) / fault.duration)
    case 'spike':
      return random.next() < 0.1 ? round(value + fault.magnitude * random.normal()) : value
    case 'blackout':
      return value
  }
}

function round(value: number): number {
  return Number(value.toFixed(3))
}
