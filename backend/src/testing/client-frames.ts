import fc from 'fast-check'
import { actions, encodePosition } from '../protocol/index.ts'

/** Any character of Unicode, as fast-check's `binary`, which lists all the million of them before the first run. */
const character = fc
  .integer({ min: 0, max: 0x10_f7_ff })
  .map((n) => String.fromCodePoint(n < 0xd8_00 ? n : n + 0x8_00))
const position = fc
  .tuple(fc.nat({ max: 2 ** 41 }), fc.bigInt({ min: 0n, max: 2n ** 180n }))
  .map(([ms, sequence]) => encodePosition(ms, sequence.toString()))
/** Members that a message may have, with values from right to absurd. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(-1, 0, 1.5, 1e300, 2 ** 53, null, '', '__proto__', {}, []),
)
const topic = fc.constantFrom('plant-1/pump-7', 'plant-1/#', '#', 'plant-2/x', 'a/+', '../x', '')
const where = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 6 },
    fc.record({
      metric: fc.constantFrom('temperature', '__proto__', ''),
      op: fc.constantFrom('eq', 'gt', 'in', 'exists', 'like'),
      value: fc.oneof(fc.double(), fc.array(fc.double(), { maxLength: 3 }), odd),
    }),
    fc.record({
      op: fc.constantFrom('and', 'or', 'not'),
      nodes: fc.array(tie('node'), { maxLength: 3 }),
    }),
  ),
})).node
const likely = (alarm: string): Readonly<Record<string, fc.Arbitrary<unknown>>> => ({
  id: fc.nat(),
  topic,
  t0: fc.nat(),
  since: position,
  until: position,
  positions: fc.dictionary(topic, position, { maxKeys: 5 }),
  sids: fc.array(fc.nat(300), { minLength: 1, maxLength: 5 }),
  subscriptions: fc.array(
    fc.record(
      {
        sid: fc.oneof(fc.nat(300), odd),
        topic: fc.oneof(topic, odd),
        mode: fc.constantFrom('complete', 'latest', 'some'),
        since: fc.oneof(position, odd),
        window: fc.record({ lastMs: fc.integer({ min: 1, max: 10_000_000 }), points: fc.nat() }),
        metrics: fc.array(fc.string(), { maxLength: 3 }),
        where,
        maxHz: fc.double(),
        deadband: fc.dictionary(fc.string(), fc.double(), { maxKeys: 3 }),
      },
      { requiredKeys: ['sid', 'topic'] },
    ),
    { maxLength: 4 },
  ),
  from: fc.integer(),
  to: fc.integer({ min: -1, max: 2 ** 31 }),
  bucketMs: fc.nat({ max: 100_000_000 }),
  limit: fc.integer({ min: -1, max: 2_000 }),
  cursor: fc.oneof(fc.base64String(), fc.string(), fc.constant(null)),
  where,
  key: fc.uuid(),
  name: fc.constantFrom('setInterval', 'reboot', 'identify', 'setPoint', 'explode'),
  args: fc.oneof(fc.record({ ms: fc.nat() }), fc.dictionary(fc.string(), odd, { maxKeys: 3 })),
  ttlMs: fc.nat({ max: 1_000_000 }),
  text: fc.string({ unit: character, maxLength: 300 }),
  at: fc.nat(),
  op: fc.constantFrom('list', 'history', 'ack', 'note', 'shelve', 'unshelve', 'destroy'),
  alarm: fc.constantFrom(alarm, 'none', ''),
  revision: fc.nat({ max: 3 }),
  token: fc.string(),
  user: fc.string(),
  jti: fc.string(),
})
const messageOf = (members: ReturnType<typeof likely>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...actions, '__proto__', '$connect', 'toString', 'dance'),
      fc.record(members, { requiredKeys: [] }),
      fc.dictionary(fc.constantFrom(...Object.keys(members)), odd, { maxKeys: 2 }),
    )
    .map(([action, given, oddities]) => JSON.stringify({ action, ...given, ...oddities }))
/** Frames from right to absurd: messages of every action, `where`, `refresh` and `revoke` among them, odd members, cut ones, no JSON at all. */
export function anyFrame(alarm: string): fc.Arbitrary<string> {
  const message = messageOf(likely(alarm))
  return fc.oneof(
    { weight: 6, arbitrary: message },
    { weight: 1, arbitrary: fc.string({ unit: character }) },
    { weight: 1, arbitrary: fc.json() },
    // A good message, cut somewhere.
    {
      weight: 1,
      arbitrary: fc.tuple(message, fc.nat(200)).map(([text, length]) => text.slice(0, length)),
    },
  )
}
