import { START_MS } from '../../backend/src/testing/records.ts'

/** Where the fate of a message is decided. */
export type DecidedBy = 'broker' | 'rule' | 'deliver'

/** What becomes of a message. */
export type Outcome =
  /** The broker refuses the connection, or ends it before it is one. */
  | 'refused'
  /** The broker ends the connection, and nothing reaches the stream. */
  | 'disconnected'
  /** The broker takes no notice. */
  | 'unanswered'
  /** The broker acknowledges, no rule takes it. */
  | 'unmatched'
  /** Put aside with this reason and the original bytes. */
  | { readonly rejected: string }
  /** Metrics of the readings that came of it, in order. */
  | { readonly readings: readonly Readonly<Record<string, number | null>>[] }

export interface TableRow {
  /** A row of reliability.md (c). */
  readonly id: string
  readonly what: string
  readonly by: DecidedBy
  /** The client: by default one without a policy; `thing` has the product's device policy and is plant-1/d1. */
  readonly as?: 'thing'
  readonly topic?: string
  /** Text and bytes as they are, everything else as JSON. */
  readonly payload?: unknown
  readonly qos?: 1 | 2
  /** Instead of a publish. */
  readonly subscribe?: string
  /** Instead of everything: how it connects. */
  readonly connect?: {
    readonly clientId?: string
    readonly version?: 4 | 5
  }
  readonly bytes?: Buffer
  readonly outcome: Outcome
  /** Why, where the reference expects something else. */
  readonly reason?: string
}

const TOPIC = 'dt/plant-1/d1/telemetry'
const one = (metrics: Readonly<Record<string, number | null>>): Outcome => ({ readings: [metrics] })
const rejected = (reason: string): Outcome => ({ rejected: reason })
const many = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i]))
const at = (ts: unknown): unknown => ({ ts, metrics: { a: 1 } })

const ends = (id: string, what: string, topic: string, reason?: string): TableRow => ({
  id,
  what,
  by: 'broker',
  topic,
  outcome: 'disconnected',
  ...(reason === undefined ? {} : { reason }),
})
const payload = (id: string, what: string, value: unknown, outcome: Outcome): TableRow => ({
  id,
  what,
  by: 'deliver',
  payload: value,
  outcome,
})
const because = (row: TableRow, reason: string): TableRow => ({ ...row, reason })

const POLICY =
  'IoT Core does not count what no rule matches. A device’s policy allows its own telemetry topic only, so it is disconnected with AUTH_ERROR, which its presence shows; without a policy nothing is stored.'

const unmatched = { outcome: 'unmatched', reason: POLICY } as const

const topics: readonly TableRow[] = [
  ends('M01', 'no topic', ''),
  ends('M02', 'a topic of 257 bytes', `dt/${'x'.repeat(254)}`),
  ends('M02', 'a topic of 257 bytes in 130 characters', `dt/${'é'.repeat(127)}`),
  ends('M03', 'eight slashes', 'dt/1/2/3/4/5/6/7/8'),
  ends('M04', 'a plus', 'dt/+/telemetry'),
  ends('M04', 'a number sign', 'dt/#'),
  ends('M05', '$SYS', '$SYS/x'),
  ends('M05', 'a shadow', '$aws/things/x/shadow/update'),
  ends('M06', 'U+0000 in the topic', 'dt/plant-1/d\u00001/telemetry'),
  ends('M07', 'a slash in front', '/dt/plant-1/d1/telemetry', POLICY),
  { id: 'M07', what: 'a slash behind', by: 'rule', topic: `${TOPIC}/`, ...unmatched },
  { ...ends('M07', 'a slash behind, of a thing', `${TOPIC}/`, POLICY), as: 'thing' },
  { id: 'M08', what: 'case', by: 'rule', topic: 'dt/plant-1/d1/Telemetry', ...unmatched },
  { ...ends('M08', 'case, of a thing', 'dt/plant-1/d1/Telemetry', POLICY), as: 'thing' },
  ends('M08', 'case of the first level', 'Dt/plant-1/d1/telemetry', POLICY),
  because(
    {
      ...payload('M07', 'an empty level', { a: 1 }, rejected('TOPIC_INVALID')),
      topic: 'dt/p//telemetry',
    },
    'A plus in a rule matches an empty level (I37): it is put aside, with its bytes.',
  ),
  { ...ends('M09', 'another device’s topic', 'dt/plant-1/d2/telemetry'), as: 'thing' },
  { ...ends('M09', 'another site’s topic', 'dt/plant-2/d1/telemetry'), as: 'thing' },
  { ...ends('M09', 'a command to itself', 'cmd/plant-1/d1/1'), as: 'thing' },
  {
    id: 'M10',
    what: 'a client id that is not the thing’s name',
    by: 'broker',
    as: 'thing',
    connect: { clientId: 'd2' },
    outcome: 'refused',
  },
  {
    id: 'M10',
    what: 'a client id of 129 bytes',
    by: 'broker',
    connect: { clientId: 'x'.repeat(129) },
    outcome: 'refused',
  },
  {
    id: 'M10',
    what: 'no client id and a session to keep',
    by: 'broker',
    // By hand, no library writes it: CONNECT, MQTT 3.1.1, no flags, 60 s, an empty client id.
    bytes: Buffer.from('\u0010\u000c\u0000\u0004MQTT\u0004\u0000\u0000<\u0000\u0000', 'latin1'),
    outcome: 'refused',
  },
  ...['#', 'dt/#', 'cmd/plant-1/d2/+'].map((subscribe): TableRow => ({
    id: 'M11',
    what: `a SUBSCRIBE to ${subscribe}`,
    by: 'broker',
    as: 'thing',
    subscribe,
    outcome: 'disconnected',
    reason: 'IoT Core ends the connection of who may not subscribe (aws-behaviour I16).',
  })),
  ...['..', '%2e%2e', 'd1|d2', 'd'.repeat(129), '😀', 'd\u202e1', 'd 1'].map((device) => ({
    ...payload('M12', `a device ${JSON.stringify(device)}`, { a: 1 }, rejected('TOPIC_INVALID')),
    topic: `dt/plant-1/${device}/telemetry`,
  })),
  ends('M12', 'a device "d1#x"', 'dt/plant-1/d1#x/telemetry', 'A number sign is a wildcard: M04.'),
  ...['__proto__', 'constructor', 'd:1_x-2'].map((device) => ({
    ...payload('M12', `a device ${device}, as any other`, { a: 1 }, one({ a: 1 })),
    topic: `dt/plant-1/${device}/telemetry`,
  })),
]

const NO_OFFSET =
  'No byte offset: the parser’s message is no interface, and the original bytes are kept.'
const payloads: readonly TableRow[] = [
  payload('M13', 'nothing', '', rejected('PAYLOAD_EMPTY')),
  { ...ends('M14', 'a payload of 131,073 bytes', TOPIC), payload: Buffer.alloc(131_073, 32) },
  ...['hello', '{', '{"a":1}}', '{"a":NaN}', "{'a':1}", '{"a":1,}', '{"a":1/*x*/}'].map((text) =>
    because(payload('M15', `the text ${text}`, text, rejected('PAYLOAD_NOT_JSON')), NO_OFFSET),
  ),
  ...['null', '1', '"x"', '[]', '[{}]', '[[{"a":1}]]'].map((text) =>
    payload('M16', `the JSON ${text}`, text, rejected('PAYLOAD_NOT_OBJECT')),
  ),
  payload('M17', 'a byte order mark, which is stripped', '\ufeff{"a":1}', one({ a: 1 })),
  ...Object.entries({
    'invalid UTF-8': [0x7b, 0xc3, 0x28],
    'UTF-16 with its mark': [...Buffer.from('\ufeff{"a":1}', 'utf16le')],
    gzip: [0x1f, 0x8b, 0x08, 0x00],
    CBOR: [0xa1, 0x61, 0x61, 0x01],
    'protobuf with a double': [0x09, 0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0x4c, 0x35, 0x40],
  }).map(([what, bytes]) => payload('M18', what, Buffer.from(bytes), rejected('PAYLOAD_NOT_UTF8'))),
  because(
    payload(
      'M18',
      'UTF-16 without a mark',
      Buffer.from('{"a":1}', 'utf16le'),
      rejected('PAYLOAD_NOT_JSON'),
    ),
    'Its bytes are valid UTF-8, with a NUL after each letter.',
  ),
  payload('M19', 'a degree sign and an umlaut', { '°C außen': 1 }, one({ '°C außen': 1 })),
  payload('M20', 'a name twice', '{"t":1,"t":2}', rejected('DUPLICATE_KEY')),
  payload('M21', '__proto__, which is left out', '{"__proto__":1,"a":2}', one({ a: 2 })),
  payload('M21', '__proto__ among metrics', '{"metrics":{"__proto__":1,"a":2}}', one({ a: 2 })),
  payload(
    'M21',
    'constructor and prototype',
    '{"constructor":1,"prototype":1,"a":2}',
    one({ a: 2 }),
  ),
  payload(
    'M21',
    'an object as __proto__',
    '{"metrics":{"__proto__":{"x":1},"a":2}}',
    one({ a: 2 }),
  ),
  payload('M22', 'nesting of 10,000', '['.repeat(10_000), rejected('PAYLOAD_TOO_DEEP')),
  payload('M23', '65 metrics', many(65), rejected('TOO_MANY_FIELDS')),
  payload('M23', '64 metrics', many(64), one(many(64))),
  payload('M24', 'null as "no reading"', { a: null, b: 1 }, one({ a: null, b: 1 })),
  ...['21.5', true, {}].map((value) =>
    payload(
      'M24',
      `the value ${JSON.stringify(value)}`,
      { a: value },
      rejected('VALUE_NOT_NUMBER'),
    ),
  ),
  payload('M24', 'no value', { ts: START_MS, metrics: {} }, rejected('PAYLOAD_NOT_OBJECT')),
  payload('M25', '1e400', '{"a":1e400}', rejected('VALUE_NOT_FINITE')),
  payload('M25', '-1e400', '{"a":-1e400}', rejected('VALUE_NOT_FINITE')),
  payload('M25', '1e-400 as 0', '{"a":1e-400}', one({ a: 0 })),
  payload('M26', '2^53 + 1 as the nearest double', '{"a":9007199254740993}', one({ a: 2 ** 53 })),
  payload('M26', '0.1 + 0.2 as it is', '{"a":0.30000000000000004}', one({ a: 0.1 + 0.2 })),
  payload('M26', '-0, which is equal to 0', '{"a":-0}', one({ a: -0 })),
  payload('M26', '1e308', '{"a":1e308}', one({ a: 1e308 })),
  payload('M27', 'no time: the broker’s', { metrics: { a: 1 } }, one({ a: 1 })),
  ...['2026-01-01', '2026-01-01T00:00:00', -START_MS, 0, 8.64e15 + 1, null].map((ts) =>
    payload('M28', `the time ${JSON.stringify(ts)}`, at(ts), rejected('TS_INVALID')),
  ),
  payload('M28', 'the time 1e400', '{"ts":1e400,"metrics":{"a":1}}', rejected('TS_INVALID')),
  payload('M28', 'seconds, times 1,000', at(START_MS / 1_000), one({ a: 1 })),
  payload('M28', 'microseconds, by 1,000', at(START_MS * 1_000), one({ a: 1 })),
  payload('M29', 'a time far ahead, flagged', at(START_MS + 10 * 365 * 86_400_000), one({ a: 1 })),
  payload('M30', 'no counter', { boot: 'b', metrics: { a: 1 } }, one({ a: 1 })),
  ...[-1, 1.5, 2 ** 53, '7', null].map((n) =>
    payload(
      'M30',
      `the counter ${JSON.stringify(n)}`,
      { n, metrics: { a: 1 } },
      rejected('SEQ_INVALID'),
    ),
  ),
  payload(
    'M31',
    'a boot that is no text',
    { boot: 7, metrics: { a: 1 } },
    rejected('BOOT_INVALID'),
  ),
]

const twice = (first: object, second: object): readonly object[] => [
  { boot: 'b', metrics: { a: 1 }, ...first },
  { boot: 'b', metrics: { a: 2 }, ...second },
]
const both: Outcome = { readings: [{ a: 1 }, { a: 2 }] }
const sequences: readonly TableRow[] = [
  payload(
    'M29',
    'times out of order: as the stream had them',
    twice({ ts: START_MS + 9 }, { ts: START_MS }),
    both,
  ),
  payload(
    'M31',
    'a counter that begins again with a new boot',
    twice({ n: 7 }, { boot: 'c', n: 0 }),
    both,
  ),
  payload(
    'M31',
    'one that begins again without, further back than 64',
    twice({ n: 700 }, { n: 0 }),
    both,
  ),
  because(
    payload(
      'M32',
      'the same counter and another value: the first holds',
      twice({ n: 7 }, { n: 7 }),
      one({ a: 1 }),
    ),
    'Counted as ReadingsDuplicate with the repeated ones: the head keeps which counters came, not their values.',
  ),
  payload('M33', 'a counter that jumps by a million', twice({ n: 1 }, { n: 1_000_001 }), both),
]

const TOPIC_RULES =
  'Nothing is counted: only the topic was checked against the device’s policy, so only it says who sent.'
const others: readonly TableRow[] = [
  because(
    payload(
      'M34',
      'a foreign deviceId beside metrics',
      { deviceId: 'x', metrics: { a: 1 } },
      one({ a: 1 }),
    ),
    TOPIC_RULES,
  ),
  because(
    payload('M34', 'a foreign deviceId in a flat object', { deviceId: 'x', a: 1 }, one({ a: 1 })),
    TOPIC_RULES,
  ),
  payload(
    'M35',
    'markup and a formula, as text',
    { '<script>': 1, '=cmd()': 2 },
    one({ '<script>': 1, '=cmd()': 2 }),
  ),
  ...[
    'a\nb',
    'a\r\nb',
    '\u001b[31m',
    'a\u0085b',
    'a\u202eb',
    'a\u2067b',
    'a\u2028b',
    '\ud800',
    'x'.repeat(65),
  ].map((name) =>
    payload(
      'M35',
      `the name ${JSON.stringify(name)}`,
      { [name]: 1 },
      rejected('METRIC_NAME_INVALID'),
    ),
  ),
  because(
    { ...ends('M35', 'a name of 1 MB', TOPIC), payload: { ['x'.repeat(1_000_000)]: 1 } },
    'It is larger than a payload may be: M14.',
  ),
  {
    ...payload('M36', 'QoS 2', { a: 1 }, 'unanswered'),
    by: 'broker',
    qos: 2,
    reason: 'IoT Core has no QoS 2 and gives no answer (aws-behaviour I1).',
  },
  {
    id: 'M37',
    what: 'an MQTT 5 CONNECT',
    by: 'broker',
    connect: { version: 5 },
    outcome: 'refused',
    reason: 'IoT Core speaks MQTT 5; the local broker speaks 3.1.1 and says so with return code 1.',
  },
  because(
    {
      ...ends('M38', 'a device id that is not the credential’s', 'dt/plant-1/new-1/telemetry'),
      as: 'thing',
    },
    'One credential is one device. What a client without a policy can do is limited by IoT Core’s 100 publishes a second and by the size of a lane’s heads.',
  ),
  ...Object.entries({
    HTTP: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    TLS: '\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0003',
  }).map(([what, text]): TableRow => ({
    id: 'M39',
    what,
    by: 'broker',
    bytes: Buffer.from(text, 'latin1'),
    outcome: 'refused',
  })),
]

/** What a device or a stranger may send, and what becomes of it: reliability.md (c), rows M. */
export const telemetryTable: readonly TableRow[] = [...topics, ...payloads, ...sequences, ...others]
