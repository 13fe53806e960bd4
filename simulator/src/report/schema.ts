import * as v from 'valibot'

/** The report of a run as JSON. Members are added within a version; one that changes its meaning makes a new version. */

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const ms = v.pipe(v.number(), v.minValue(0))

const latencySchema = v.strictObject({
  count,
  minMs: ms,
  meanMs: ms,
  p50Ms: ms,
  p90Ms: ms,
  p95Ms: ms,
  p99Ms: ms,
  p999Ms: ms,
  maxMs: ms,
})

const thresholdSchema = v.strictObject({
  metric: v.string(),
  expr: v.string(),
  isMet: v.boolean(),
  /** In ms, per second, as a share or as a number; null when nothing was measured. */
  actual: v.nullable(v.number()),
  /** Nobody wrote it: it holds of every run. */
  isDefault: v.boolean(),
})

export const reportSchema = v.strictObject({
  format: v.literal('gaugeline.load-report'),
  version: v.literal(2),
  verdict: v.picklist(['PASS', 'FAIL', 'INVALID', 'INTERRUPTED', 'UNREACHABLE']),
  reason: v.string(),
  exitCode: count,
  scenario: v.strictObject({
    name: v.string(),
    seed: count,
    devices: count,
    /** Null: until it is stopped. */
    plannedSeconds: v.nullable(v.number()),
  }),
  target: v.string(),
  startedAt: v.pipe(v.string(), v.isoTimestamp()),
  seconds: v.number(),
  thresholds: v.array(thresholdSchema),
  /** due = acknowledged + missing; missing = dropped + buffered + unaccounted */
  accounting: v.strictObject({
    /** By intervals and stages. */
    planned: count,
    due: count,
    acknowledged: count,
    missing: v.pipe(v.number(), v.integer()),
    dropped: count,
    /** Still waiting when the simulator stopped waiting. */
    buffered: count,
    /** What the simulator itself lost: 0. */
    unaccounted: v.pipe(v.number(), v.integer()),
  }),
  /** Metric → its percentiles; a metric that nothing was measured for is left out. */
  latencies: v.record(v.string(), latencySchema),
  connects: v.strictObject({
    succeeded: count,
    /** Reason → attempts. */
    failed: v.record(v.string(), count),
    lost: count,
  }),
  commands: count,
  faults: v.array(v.strictObject({ kind: v.string(), devices: count, effects: count })),
  /** What a subscriber of the WebSocket API was sent; null without `verify`. */
  verify: v.nullable(
    v.strictObject({
      acknowledged: count,
      missing: count,
      /** Could not be looked up. */
      unverified: count,
      recovered: count,
      duplicate: count,
    }),
  ),
  resources: v.strictObject({
    cpuSeconds: v.number(),
    /** Of one processor. */
    cpuPercent: v.number(),
    peakMemoryBytes: count,
    memoryBytesPerDevice: v.pipe(v.number(), v.integer()),
    processors: count,
    node: v.string(),
  }),
  /** Repeats the run. */
  command: v.string(),
})

export type LoadReport = v.InferOutput<typeof reportSchema>
