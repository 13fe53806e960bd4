import { encodePosition, type Position } from '@gaugeline/backend/protocol'

/** A seeded generator (mulberry32): the same seed, the same factory. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What a deployment would declare of these machines; nothing of the awkward ones. */
export const fakeMetrics = ['pump', 'motor', 'room'].map((kind) => ({
  devices: `plant-*/${kind}-*`,
  metrics: {
    temperature: { unit: '°C' },
    pressure: { unit: 'bar' },
    flow: { unit: 'l/min' },
    vibration: { unit: 'mm/s' },
    current: { unit: 'A' },
    speed: { unit: 'rpm' },
    humidity: { unit: '%' },
    co2: { unit: 'ppm' },
  },
}))

export interface FakeReading {
  readonly ts: number
  readonly n: number
  readonly position: Position
  readonly metrics: Readonly<Record<string, number>>
}

interface Kind {
  readonly name: string
  readonly metrics: Readonly<Record<string, { base: number; swing: number; noise: number }>>
  /** Values that are sent as they are, by the reading's number. */
  readonly exact?: (n: number) => Readonly<Record<string, number>>
}

/** Devices whose numbers and names are hard to show: small, large, close to each other, never moving, at the ends of a double. */
const awkwardKinds: readonly Kind[] = [
  {
    name: 'awkward-small',
    metrics: {},
    exact: (n) => ({
      leak: Number((0.0004 + (n % 13) * 1e-4).toFixed(4)),
      dose: (3 + (n % 4)) * 1e-6,
      offset: -0.0013,
      latitude: Number((52.12345 + (n % 3) * 1e-5).toFixed(5)),
    }),
  },
  {
    name: 'awkward-large',
    metrics: {},
    exact: (n) => ({
      counter: 12_345_678 + n,
      frequency: 867_700_000 + (n % 5),
      uptime: 74_888_123 + n * 1_000,
      billion: 1e9,
    }),
  },
  {
    name: 'awkward-ends',
    metrics: {},
    exact: (n) => ({
      ends: n % 2 === 0 ? Number.MAX_VALUE : -Number.MAX_VALUE,
      least: n % 2 === 0 ? 5e-324 : 0,
      computed: 54 + Math.sin(n) / 3,
      pressure: 101_325 + (n % 7),
    }),
  },
  {
    name: 'a-device-whose-name-is-as-long-as-a-thing-name-may-well-be-0001',
    metrics: {},
    exact: (n) => ({
      ['a_metric_whose_name_has_64_characters_as_a_plc_export_writes_it']: -123_456.789 + (n % 3),
      steady: 21.5,
    }),
  },
]

const kinds: readonly Kind[] = [
  {
    name: 'pump',
    metrics: {
      temperature: { base: 54, swing: 6, noise: 0.25 },
      pressure: { base: 4.2, swing: 0.5, noise: 0.02 },
      flow: { base: 118, swing: 16, noise: 0.8 },
      vibration: { base: 2.1, swing: 0.6, noise: 0.08 },
      current: { base: 11.4, swing: 1.2, noise: 0.06 },
      speed: { base: 2_940, swing: 18, noise: 2 },
    },
  },
  {
    name: 'motor',
    metrics: {
      temperature: { base: 66, swing: 8, noise: 0.2 },
      current: { base: 11.5, swing: 2.4, noise: 0.1 },
      speed: { base: 1_480, swing: 25, noise: 2 },
      vibration: { base: 1.4, swing: 0.5, noise: 0.06 },
    },
  },
  {
    name: 'room',
    metrics: {
      temperature: { base: 21.4, swing: 1.1, noise: 0.03 },
      humidity: { base: 44, swing: 5, noise: 0.15 },
      co2: { base: 620, swing: 140, noise: 4 },
    },
  },
]

/** A device whose channels follow one slow load, so that its charts look like one machine. */
export class FakeDevice {
  readonly topic: string
  readonly boot = 'b1'
  readonly readings: FakeReading[] = []
  readonly #kind: Kind
  readonly #random: () => number
  readonly #phase: number
  #n = 0
  isSilent = false

  constructor(topic: string, kind: Kind, seed: number) {
    this.topic = topic
    this.#kind = kind
    this.#random = seeded(seed)
    this.#phase = this.#random() * 1_000
  }

  get last(): FakeReading | undefined {
    return this.readings.at(-1)
  }

  sample(ts: number): FakeReading {
    this.#n++
    const t = ts / 1_000 + this.#phase
    const load = Math.sin(t / 97) * 0.6 + Math.sin(t / 23) * 0.3 + Math.sin(t / 7.3) * 0.1
    const metrics: Record<string, number> = { ...this.#kind.exact?.(this.#n) }
    for (const [name, { base, swing, noise }] of Object.entries(this.#kind.metrics)) {
      const spread = (this.#random() + this.#random() - 1) * noise
      metrics[name] = Number((base + load * swing + spread).toFixed(3))
    }
    const position = encodePosition(ts, String(BigInt(ts) * 1_000n + BigInt(this.#n % 1_000)))
    const reading = { ts, n: this.#n, position, metrics }
    this.readings.push(reading)
    if (this.readings.length > 5_000) this.readings.shift()
    return reading
  }
}

/** `count` devices of three kinds on two sites with `historyMs` of readings behind them, one a second. */
export function makeFactory(options: {
  seed: number
  count: number
  historyMs: number
  now: number
  /** With {@link awkwardKinds} too. */
  hasAwkward?: boolean
}): FakeDevice[] {
  const usual = Array.from({ length: options.count }, (_, i) => {
    const kind = kinds[i % kinds.length] ?? { name: 'none', metrics: {} }
    const site = i % 2 === 0 ? 'plant-1' : 'plant-2'
    const name = `${kind.name}-${Math.floor(i / 3) + 1}`
    return new FakeDevice(`${site}/${name}`, kind, options.seed * 1_000 + i)
  })
  const awkward = options.hasAwkward
    ? awkwardKinds.map((kind, i) => new FakeDevice(`plant-1/${kind.name}`, kind, i))
    : []
  const end = Math.floor(options.now / 1_000) * 1_000
  const devices = [...usual, ...awkward]
  for (const device of devices) {
    for (let ts = end - options.historyMs; ts < end; ts += 1_000) device.sample(ts)
  }
  return devices
}
