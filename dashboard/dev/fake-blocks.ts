import {
  type Block,
  type BucketColumns,
  type Buckets,
  type DeviceState,
  findHoles,
  meanOf,
  type Position,
} from '@gaugeline/backend/protocol'
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

/** Lowest, highest and mean per bucket, aligned to the epoch, and the holes between readings. */
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
  const column = (name: string): BucketColumns => {
    const sorted = [...groups].map(([start, group]) =>
      group
        .map((r) => ({ value: r.metrics[name] ?? 0, at: r.ts - start }))
        .sort((a, b) => a.value - b.value),
    )
    return {
      min: sorted.map((list) => list[0]?.value ?? null),
      minAt: sorted.map((list) => list[0]?.at ?? null),
      max: sorted.map((list) => list.at(-1)?.value ?? null),
      maxAt: sorted.map((list) => list.at(-1)?.at ?? null),
      avg: sorted.map((list) => meanOf(list.map(({ value }) => value))),
      count: sorted.map((list) => list.length),
      holes: holesOf(name, readings),
    }
  }
  const metrics = Object.fromEntries(names.map((name) => [name, column(name)]))
  return { topic, bucketMs, ts: [...groups.keys()], metrics }
}

function holesOf(name: string, readings: readonly FakeReading[]): BucketColumns['holes'] {
  const holes = findHoles({
    ts: readings.map(({ ts }) => ts),
    values: readings.map(({ metrics }) => metrics[name] ?? Number.NaN),
    missing: readings.map(({ n }, i) => n - 1 - (readings[i - 1]?.n ?? Number.NaN)),
  })
  return holes.map((hole) => ({ ...hole, count: 1 }))
}
