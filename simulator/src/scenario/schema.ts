import { isTopicSegment } from '@gaugeline/backend/protocol'
import * as v from 'valibot'
import { builtinProfiles } from '../signal/profiles.ts'
import { durationRule, durationShape, longestMs, parseDuration } from './duration.ts'

/** A scenario file, version 1. Unknown keys are errors; durations carry their unit. */

const duration = v.pipe(
  v.string(durationRule),
  v.regex(durationShape, durationRule),
  v.transform((text) => parseDuration(text) ?? 0),
  v.maxValue(longestMs, 'a duration is at most 24d'),
)
const positive = v.pipe(duration, v.minValue(1, 'this duration is longer than 0ms'))
const segment = v.pipe(
  v.string(),
  v.check(isTopicSegment, 'an id has 1 to 128 of the characters A–Z a–z 0–9 : _ -'),
)
const builtin = Object.keys(builtinProfiles)
const countRule = 'a count is a whole number from 1 to 10000'

export const fleetSchema = v.strictObject({
  profile: v.picklist(builtin, `a profile is one of ${builtin.join(', ')}`),
  site: segment,
  count: v.pipe(
    v.number(countRule),
    v.integer(countRule),
    v.minValue(1, countRule),
    v.maxValue(10_000, countRule),
  ),
  /** `{index}` is replaced by 1, 2, 3 … */
  id: v.pipe(
    v.string(),
    v.check(
      (text) => text.includes('{index}'),
      'an id pattern contains {index}, such as pump-{index}',
    ),
    v.check(
      (text) => isTopicSegment(text.replace('{index}', '1')),
      'an id has the characters A–Z a–z 0–9 : _ -',
    ),
  ),
  /** The first index; 1 if absent. */
  first: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 1),
  interval: v.optional(
    v.pipe(
      duration,
      v.minValue(
        10,
        'the shortest interval is 10ms (IoT Core takes 100 publishes/s from a device)',
      ),
    ),
    '1s',
  ),
  jitter: v.optional(duration, '40ms'),
  /** The devices slow down to this interval when they are told that nobody watches them. */
  demand: v.optional(v.strictObject({ idleInterval: duration })),
})

const fractionRule = 'a fraction is more than 0 and at most 1'
/** Whom a fault hits: one device, or a fleet, or a fraction of it that the seed chooses. */
const target = {
  at: duration,
  device: v.optional(segment),
  fleet: v.optional(segment),
  fraction: v.optional(
    v.pipe(v.number(fractionRule), v.gtValue(0, fractionRule), v.maxValue(1, fractionRule)),
  ),
}
const sensorFault = {
  ...target,
  channel: v.string('a fault of a sensor names its channel'),
  duration: positive,
  /** drift: added by the end of the duration; spike: added at once; stuck: what is reported. In the channel's unit. */
  magnitude: v.optional(v.number(), 0),
}
const faultSchemas = {
  stuck: v.strictObject({ ...sensorFault, kind: v.literal('stuck') }),
  drift: v.strictObject({ ...sensorFault, kind: v.literal('drift') }),
  spike: v.strictObject({ ...sensorFault, kind: v.literal('spike') }),
  dropout: v.strictObject({ ...sensorFault, kind: v.literal('dropout') }),
  blackout: v.strictObject({ ...target, kind: v.literal('blackout'), duration: positive }),
  'reconnect-storm': v.strictObject({ ...target, kind: v.literal('reconnect-storm') }),
  flap: v.strictObject({
    ...target,
    kind: v.literal('flap'),
    duration: positive,
    /** From one cut to the next. */
    every: positive,
    /** How long the link is down each time. */
    down: positive,
  }),
}
export const faultKinds = Object.keys(faultSchemas)
export const faultKeys: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(faultSchemas).map(([kind, schema]) => [kind, Object.keys(schema.entries)]),
)
const faultSchema = v.variant(
  'kind',
  Object.values(faultSchemas),
  `a fault's kind is one of ${faultKinds.join(', ')}`,
)

const deviceRule = 'devices are a whole number, or a share of all such as 50%'
const deviceCount = v.union(
  [
    v.pipe(v.number(), v.integer(deviceRule), v.minValue(0, deviceRule)),
    v.pipe(v.string(), v.regex(/^(100|\d{1,2}(\.\d+)?)%$/, deviceRule)),
  ],
  deviceRule,
)
export const stageDevicesSchema = v.strictObject({
  /** Where the ramp begins; where the stage before ended if absent. */
  from: v.optional(deviceCount),
  to: deviceCount,
})
const rateRule = 'a rate is a factor from 0.01x to 100x, such as 3x'
export const stageSchema = v.strictObject({
  name: segment,
  duration: positive,
  devices: v.optional(
    v.union(
      [deviceCount, stageDevicesSchema],
      `${deviceRule}, or { from: …, to: … } with such values`,
    ),
  ),
  /** How often all devices send during the stage, times their usual rate. */
  rate: v.optional(
    v.pipe(
      v.string(rateRule),
      v.regex(/^\d+(\.\d+)?x$/, rateRule),
      v.transform((text) => Number(text.slice(0, -1))),
      v.minValue(0.01, rateRule),
      v.maxValue(100, rateRule),
    ),
    '1x',
  ),
})

export const thresholdSchema = v.strictObject({
  expr: v.string(),
  /** Ends the run as soon as it does not hold … */
  abortOnFail: v.optional(v.boolean(), false),
  /** … looked at from then on. */
  after: v.optional(duration, '0s'),
})
const thresholdRule =
  'a threshold is a text such as "p(95)<250ms", or { expr, abortOnFail, after }, or a list of those'
const oneThreshold = v.union([v.string(), thresholdSchema], thresholdRule)

export const generatorSchema = v.strictObject({
  /** Above it, at the 99th percentile, the generator was too slow to be believed: INVALID. */
  maxLag: v.optional(positive, '100ms'),
  /** The simulator's own pace below the account's quota. */
  connectsPerSecond: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(500)), 200),
})

export const verifySchema = v.strictObject({
  /** Devices that are watched through the WebSocket API, at most 200. */
  sample: deviceCount,
})

export const scenarioSchema = v.strictObject({
  version: v.literal(
    1,
    'this simulator reads version 1; the file was made for another one, write version: 1',
  ),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  seed: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 42),
  duration: v.optional(positive),
  fleets: v.pipe(
    v.record(segment, fleetSchema),
    v.check((fleets) => Object.keys(fleets).length > 0, 'a scenario has at least one fleet'),
  ),
  faults: v.optional(v.array(faultSchema), []),
  /** One after the other; without them all devices are there for the whole duration. */
  stages: v.optional(v.pipe(v.array(stageSchema), v.minLength(1, 'stages has at least one stage'))),
  /** Metric → what must hold at the end. */
  thresholds: v.optional(
    v.record(v.string(), v.union([oneThreshold, v.array(oneThreshold)], thresholdRule)),
    {},
  ),
  generator: v.optional(generatorSchema, {}),
  verify: v.optional(verifySchema),
})

export type Scenario = v.InferOutput<typeof scenarioSchema>
export type Fleet = Scenario['fleets'][string]
export type Fault = Scenario['faults'][number]
export type Stage = NonNullable<Scenario['stages']>[number]
export type ThresholdInput = Scenario['thresholds'][string]
export type DeviceCount = v.InferOutput<typeof deviceCount>
