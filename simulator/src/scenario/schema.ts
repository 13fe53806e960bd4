import { isTopicSegment } from '@gaugeline/backend/protocol'
import * as v from 'valibot'
import { builtinProfiles } from '../signal/profiles.ts'
import { parseDuration } from './duration.ts'

/** A scenario file, version 1. Unknown keys are errors; durations carry their unit. */

const duration = v.pipe(
  v.string(),
  v.check(
    (text) => parseDuration(text) !== undefined,
    'a duration is a number with ms, s, m, h or d, such as 500ms or 10m',
  ),
  v.transform((text) => parseDuration(text) ?? 0),
)
const segment = v.pipe(
  v.string(),
  v.check(isTopicSegment, 'an id has 1 to 128 of the characters A–Z a–z 0–9 : _ -'),
)
const builtin = Object.keys(builtinProfiles)

const fleetSchema = v.strictObject({
  profile: v.picklist(builtin, `a profile is one of ${builtin.join(', ')}`),
  site: segment,
  count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)),
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
  first: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1),
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

const faultSchema = v.strictObject({
  at: duration,
  kind: v.picklist(['stuck', 'drift', 'spike', 'dropout', 'blackout']),
  device: segment,
  channel: v.optional(v.string()),
  duration,
  /** drift: added by the end of the duration; spike: added at once. In the channel's unit. */
  magnitude: v.optional(v.number(), 0),
})

export const scenarioSchema = v.strictObject({
  version: v.literal(1, 'this simulator reads version 1'),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  seed: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 42),
  duration: v.optional(duration),
  fleets: v.pipe(
    v.record(segment, fleetSchema),
    v.check((fleets) => Object.keys(fleets).length > 0, 'a scenario has at least one fleet'),
  ),
  faults: v.optional(v.array(faultSchema), []),
})

export type Scenario = v.InferOutput<typeof scenarioSchema>
export type Fleet = Scenario['fleets'][string]
export type SensorFault = Scenario['faults'][number]
