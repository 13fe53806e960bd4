/** How a metric is counted, and with it which aggregates a threshold may ask for. */
export type MetricKind = 'share' | 'latency' | 'count'

interface Metric {
  readonly kind: MetricKind
  readonly meaning: string
  /** There only when the scenario says `verify`. */
  readonly needsVerify?: true
}

/** Every metric of a run by its name. Names are stable: reports and thresholds hold them. */
export const metrics = {
  'connect.success': { kind: 'share', meaning: 'attempts to connect that the broker accepted' },
  'connect.latency': {
    kind: 'latency',
    meaning: 'from the instant a connect was due to the CONNACK',
  },
  'connections.lost': { kind: 'count', meaning: 'connections that fell without being asked to' },
  'connections.kept': {
    kind: 'share',
    meaning: 'accepted connections that did not fall without being asked to',
  },
  'ack.latency': {
    kind: 'latency',
    meaning:
      'from the instant a reading was due to its acknowledgement; its age at the end when there was none',
  },
  'ack.wire': { kind: 'latency', meaning: 'from the sending of a message to its acknowledgement' },
  'messages.planned': {
    kind: 'count',
    meaning: 'readings that intervals and stages made due',
  },
  'messages.due': { kind: 'count', meaning: 'readings that were due' },
  'messages.acknowledged': { kind: 'count', meaning: 'readings that the broker acknowledged' },
  'messages.dropped': {
    kind: 'count',
    meaning: 'readings that a full buffer threw away, oldest first',
  },
  'messages.buffered': { kind: 'count', meaning: 'readings that still waited at the end' },
  'messages.missing': {
    kind: 'count',
    meaning: 'readings that were due and never acknowledged: dropped, buffered or lost',
  },
  'schedule.lag': { kind: 'latency', meaning: 'how late the generator took a reading' },
  'loop.lag': { kind: 'latency', meaning: "how late the generator's event loop was" },
  'e2e.latency': {
    kind: 'latency',
    meaning: 'from the instant a reading was due to its arrival at a subscriber',
    needsVerify: true,
  },
  'e2e.missing': {
    kind: 'count',
    meaning: 'acknowledged readings that a subscriber was neither sent nor finds in the history',
    needsVerify: true,
  },
  'e2e.pushed': {
    kind: 'share',
    meaning:
      'acknowledged readings that a subscriber was sent, of those acknowledged while it was connected',
    needsVerify: true,
  },
  'e2e.unverified': {
    kind: 'count',
    meaning: 'acknowledged readings that could not be looked up',
    needsVerify: true,
  },
  'e2e.recovered': {
    kind: 'count',
    meaning: 'acknowledged readings that only the history had',
    needsVerify: true,
  },
  'e2e.duplicate': { kind: 'count', meaning: 'readings that came again', needsVerify: true },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof metrics
export const metricNames = Object.keys(metrics) as MetricName[]

export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metrics, name)
}

export function needsVerify(name: MetricName): boolean {
  return 'needsVerify' in metrics[name]
}
