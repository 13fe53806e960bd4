import type { Block, Buckets, DeviceState, Position } from '@gaugeline/backend/protocol'
import type { FakeDevice, FakeReading } from './fake-factory.ts'

/** The position that a run of a device's readings follows; null at its beginning. */
export function prevOf(device: FakeDevice, readings: readonly FakeReading[]): Position | null {
  const first = readings[0]
  const index = first ? device.readings.lastIndexOf(first) : -1
  return device.readings[index - 1]?.position ?? null
}

/** A reading for who wants only the newest. */
export function newestBlock(device: FakeDevice, reading: FakeReading): Block {
  return { ...blockOf(device, [reading], prevOf(device, [reading])), everyMs: 1_000, thinned: true }
}

/** Readings as the wire has them. */
export function blockOf(
  device: FakeDevice,
  readings: readonly FakeReading[],
  prev: Position | null,
): Block {
  const names = Object.keys(readings[0]?.metrics ?? {})
  return {
    topic: device.topic,
    prev,
    position: readings.at(-1)?.position ?? '',
    boot: device.boot,
    n: readings.map((reading) => reading.n),
    ts: readings.map((reading) => reading.ts),
    metrics: Object.fromEntries(
      names.map((name) => [name, readings.map((reading) => reading.metrics[name] ?? null)]),
    ),
  }
}

/** A device's newest values; none before its first reading. */
export function stateOf(device: FakeDevice): DeviceState[] {
  const { last } = device
  if (!last) return []
  const { position, ts, metrics } = last
  return [{ topic: device.topic, position, ts, metrics, everyMs: 1_000, online: true, onlineAt: 0 }]
}

/** Lowest, highest and mean per bucket, aligned to the epoch. */
export function bucketsOf(
  topic: string,
  readings: readonly FakeReading[],
  bucketMs: number,
): Buckets {
  const groups = new Map<number, FakeReading[]>()
  for (const reading of readings) {
    const start = Math.floor(reading.ts / bucketMs) * bucketMs
    groups.set(start, [...(groups.get(start) ?? []), reading])
  }
  const names = Object.keys(readings[0]?.metrics ?? {})
  const column = (name: string): Buckets['metrics'][string] => {
    const values = [...groups.values()].map((group) => group.map((r) => r.metrics[name] ?? 0))
    return {
      min: values.map((list) => Math.min(...list)),
      max: values.map((list) => Math.max(...list)),
      avg: values.map((list) => list.reduce((a, b) => a + b, 0) / list.length),
      count: values.map((list) => list.length),
    }
  }
  const metrics = Object.fromEntries(names.map((name) => [name, column(name)]))
  return { topic, bucketMs, ts: [...groups.keys()], metrics }
}
