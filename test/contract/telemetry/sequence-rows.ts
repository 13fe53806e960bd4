import { START_MS } from '../../../backend/src/testing/records.ts'
import { because, payload, rejected, type Outcome, type TableRow } from './row.ts'

/** Two publishes, of which the first has `a` = 1 and the second `a` = 2. */
const twice = (
  id: string,
  what: string,
  [first, second]: readonly [object, object],
  outcome: Outcome,
): TableRow => ({
  id,
  what,
  by: 'deliver',
  payloads: [
    { ts: START_MS, boot: 'b', metrics: { a: 1 }, ...first },
    { ts: START_MS + 60_000, boot: 'b', metrics: { a: 2 }, ...second },
  ],
  outcome,
})
const [first, second] = [{ metrics: { a: 1 } }, { metrics: { a: 2 } }]
const both: Outcome = { readings: [first, second] }

/** Counters, boots and order: PAYLOAD-29 to PAYLOAD-33. */
export const sequenceRows: readonly TableRow[] = [
  twice(
    'PAYLOAD-29',
    'times out of order: as the stream had them, which is as they were counted',
    [
      { n: 1, ts: START_MS + 9 },
      { n: 2, ts: START_MS },
    ],
    {
      readings: [
        { ...first, ts: START_MS + 9 },
        { ...second, ts: START_MS },
      ],
    },
  ),
  payload(
    'PAYLOAD-30',
    'no counter',
    { ts: START_MS, boot: 'b', metrics: { a: 1 } },
    { readings: [first] },
  ),
  ...[-1, 1.5, 2 ** 53, '7', null].map((n) =>
    payload(
      'PAYLOAD-30',
      `the counter ${JSON.stringify(n)}`,
      { n, metrics: { a: 1 } },
      rejected('SEQ_INVALID'),
    ),
  ),
  payload(
    'PAYLOAD-31',
    'a boot that is no text',
    { boot: 7, metrics: { a: 1 } },
    rejected('BOOT_INVALID'),
  ),
  twice(
    'PAYLOAD-31',
    'a counter that begins again with a new boot',
    [{ n: 7 }, { boot: 'c', n: 0 }],
    both,
  ),
  twice(
    'PAYLOAD-31',
    'one that begins again without, further back than 64',
    [{ n: 700 }, { n: 0 }],
    both,
  ),
  because(
    twice('PAYLOAD-31', 'one that begins again without, within 64', [{ n: 0 }, { n: 0 }], {
      readings: [first],
      counted: { SequenceConflicts: 1 },
    }),
    'Nobody can tell it from a repetition; that its values are others is counted (PAYLOAD-32).',
  ),
  twice(
    'PAYLOAD-32',
    'the same counter and the same value: a repetition',
    [{ n: 7 }, { n: 7, metrics: { a: 1 } }],
    { readings: [first], counted: { ReadingsDuplicate: 1 } },
  ),
  twice('PAYLOAD-32', 'the same counter and another value: the first holds', [{ n: 7 }, { n: 7 }], {
    readings: [first],
    counted: { SequenceConflicts: 1 },
  }),
  twice('PAYLOAD-33', 'a counter that jumps by a million: one gap', [{ n: 1 }, { n: 1_000_001 }], {
    readings: [first, second],
    shown: { gaps: ['999999 missing'] },
  }),
]
