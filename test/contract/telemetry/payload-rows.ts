import { START_MS } from '../../../backend/src/testing/records.ts'
import { because, one, payload, rejected, type Outcome, type TableRow } from './row.ts'

const notJson = (byteOffset: number): Outcome => ({ rejected: 'PAYLOAD_NOT_JSON', byteOffset })
const many = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i]))
const at = (ts: unknown): unknown => ({ ts, metrics: { a: 1 } })

const CLOCK_COSTS_NO_VALUE =
  'Its clock is not set yet, which says nothing of the value: kept at the broker’s time, and flagged.'

const bytes: readonly TableRow[] = [
  payload('PAYLOAD-13', 'nothing', '', rejected('PAYLOAD_EMPTY')),
  {
    id: 'PAYLOAD-14',
    what: 'a payload of 131,073 bytes',
    by: 'broker',
    payload: Buffer.alloc(131_073, 32),
    outcome: { disconnected: 'CLIENT_ERROR', counted: 'PublishIn.ClientError' },
  },
  ...Object.entries({
    hello: 0,
    '{': 1,
    '{"a":1}}': 7,
    '{"a":NaN}': 5,
    "{'a':1}": 1,
    '{"a":1,}': 7,
    '{"a":1/*x*/}': 6,
    '{"°C außen":}': 14,
  }).map(([text, byteOffset]) =>
    payload('PAYLOAD-15', `the text ${text}`, text, notJson(byteOffset)),
  ),
  ...['null', '1', '"x"', '[]', '[{}]', '[[{"a":1}]]'].map((text) =>
    payload('PAYLOAD-16', `the JSON ${text}`, text, rejected('PAYLOAD_NOT_OBJECT')),
  ),
  payload('PAYLOAD-17', 'a byte order mark, which is stripped', '\ufeff{"a":1}', one({ a: 1 })),
  ...Object.entries({
    'invalid UTF-8': [0x7b, 0xc3, 0x28],
    'UTF-16 with its mark': [...Buffer.from('\ufeff{"a":1}', 'utf16le')],
    gzip: [0x1f, 0x8b, 0x08, 0x00],
    CBOR: [0xa1, 0x61, 0x61, 0x01],
    'protobuf with a double': [0x09, 0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0x4c, 0x35, 0x40],
  }).map(([what, octets]) =>
    payload('PAYLOAD-18', what, Buffer.from(octets), rejected('PAYLOAD_NOT_UTF8')),
  ),
  because(
    payload('PAYLOAD-18', 'UTF-16 without a mark', Buffer.from('{"a":1}', 'utf16le'), notJson(1)),
    'Its bytes are valid UTF-8, with a NUL after each letter.',
  ),
]

const shapes: readonly TableRow[] = [
  payload('PAYLOAD-19', 'a degree sign and an umlaut', { '°C außen': 1 }, one({ '°C außen': 1 })),
  payload('PAYLOAD-20', 'a name twice', '{"t":1,"t":2}', rejected('DUPLICATE_KEY')),
  payload('PAYLOAD-21', '__proto__, which is left out', '{"__proto__":1,"a":2}', one({ a: 2 })),
  payload(
    'PAYLOAD-21',
    '__proto__ among metrics',
    '{"metrics":{"__proto__":1,"a":2}}',
    one({ a: 2 }),
  ),
  payload(
    'PAYLOAD-21',
    'constructor and prototype',
    '{"constructor":1,"prototype":1,"a":2}',
    one({ a: 2 }),
  ),
  payload(
    'PAYLOAD-21',
    'an object as __proto__',
    '{"metrics":{"__proto__":{"x":1},"a":2}}',
    one({ a: 2 }),
  ),
  payload('PAYLOAD-22', 'nesting of 10,000', '['.repeat(10_000), rejected('PAYLOAD_TOO_DEEP')),
  payload('PAYLOAD-22', 'nesting of 17', '['.repeat(17), rejected('PAYLOAD_TOO_DEEP')),
  payload('PAYLOAD-23', '10,000 metrics', many(10_000), rejected('TOO_MANY_FIELDS')),
  payload('PAYLOAD-23', '65 metrics', many(65), rejected('TOO_MANY_FIELDS')),
  payload('PAYLOAD-23', '64 metrics', many(64), one(many(64))),
]

const values: readonly TableRow[] = [
  payload('PAYLOAD-24', 'null as "no reading"', { a: null, b: 1 }, one({ a: null, b: 1 })),
  ...['21.5', true, {}].map((value) =>
    payload(
      'PAYLOAD-24',
      `the value ${JSON.stringify(value)}`,
      { a: value },
      rejected('VALUE_NOT_NUMBER'),
    ),
  ),
  because(
    payload(
      'PAYLOAD-24',
      'no value',
      { ts: START_MS, metrics: {} },
      rejected('PAYLOAD_NOT_OBJECT'),
    ),
    'No value is of the wrong kind: there is none. The payload is as empty as [] (PAYLOAD-16).',
  ),
  payload('PAYLOAD-25', '1e400', '{"a":1e400}', rejected('VALUE_NOT_FINITE')),
  payload('PAYLOAD-25', '-1e400', '{"a":-1e400}', rejected('VALUE_NOT_FINITE')),
  payload('PAYLOAD-25', '1e-400 as 0', '{"a":1e-400}', one({ a: 0 })),
  ...(
    [
      ['2^53 + 1 as the nearest double', '9007199254740993', 2 ** 53, '9.007199254740992E15'],
      ['0.1 + 0.2 as it is', '0.30000000000000004', 0.1 + 0.2, '0.3'],
      ['-0 as 0', '-0', 0, '0'],
      ['1e308', '1e308', 1e308, '1E308'],
    ] as const
  ).map(([what, text, a, shown]) =>
    payload('PAYLOAD-26', what, `{"a":${text}}`, { ...one({ a }), shown: { values: [shown] } }),
  ),
]

const times: readonly TableRow[] = [
  payload(
    'PAYLOAD-27',
    'no time: the broker’s, flagged',
    { metrics: { a: 1 } },
    one({ a: 1 }, { ts: 'broker', quality: 'broker-time' }),
  ),
  ...['2026-01-01', 'NTP', -START_MS, 0, -1, 12_345, 8.64e15 + 1, null].map((ts) =>
    because(
      payload(
        'PAYLOAD-28',
        `the time ${JSON.stringify(ts)}`,
        at(ts),
        one({ a: 1 }, { ts: 'broker', quality: 'clock-unset' }),
      ),
      CLOCK_COSTS_NO_VALUE,
    ),
  ),
  because(
    payload(
      'PAYLOAD-28',
      'the time 1e400',
      '{"ts":1e400,"metrics":{"a":1}}',
      one({ a: 1 }, { ts: 'broker', quality: 'clock-unset' }),
    ),
    CLOCK_COSTS_NO_VALUE,
  ),
  ...[true, {}, [START_MS]].map((ts) =>
    payload('PAYLOAD-28', `the time ${JSON.stringify(ts)}`, at(ts), rejected('TS_INVALID')),
  ),
  payload(
    'PAYLOAD-28',
    'seconds, times 1,000',
    at(START_MS / 1_000),
    one({ a: 1 }, { ts: START_MS }),
  ),
  payload(
    'PAYLOAD-28',
    'microseconds, by 1,000',
    at(START_MS * 1_000),
    one({ a: 1 }, { ts: START_MS }),
  ),
  payload('PAYLOAD-28', 'nanoseconds', at(START_MS * 1_000_000), one({ a: 1 }, { ts: START_MS })),
  ...Object.entries({
    'ten years ahead': 10 * 365 * 86_400_000,
    'an hour ahead': 3_600_000,
    'ten years behind': -10 * 365 * 86_400_000,
  }).map(([what, byMs]) =>
    because(
      payload(
        'PAYLOAD-29',
        `a time ${what}: at its arrival, flagged`,
        at(START_MS + byMs),
        one({ a: 1 }, { ts: 'broker', quality: 'skew' }),
      ),
      'The stream has the order. A reading beyond the chart would be found by nobody; deviceTs has the device’s time.',
    ),
  ),
  payload(
    'PAYLOAD-29',
    'a time 23 hours behind',
    at(START_MS - 82_800_000),
    one({ a: 1 }, { ts: START_MS - 82_800_000 }),
  ),
]

/** What a payload is made of, up to its times: PAYLOAD-13 to PAYLOAD-29. */
export const payloadRows: readonly TableRow[] = [...bytes, ...shapes, ...values, ...times]
