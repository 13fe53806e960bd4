import { describe, expect, it } from 'vitest'
import { START_MS } from '../../testing/records.ts'
import { parseTelemetry } from './parse-telemetry.ts'

const bytes = (payload: unknown): Uint8Array =>
  Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
const parse = (payload: unknown) =>
  parseTelemetry(payload instanceof Uint8Array ? payload : bytes(payload), START_MS)
const metricsOf = (payload: unknown) => {
  const parsed = parse(payload)
  return parsed.ok ? parsed.readings.map((one) => Object.fromEntries(one.metrics)) : parsed.reason
}
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i]))

describe('telemetry payloads', () => {
  it.each<[string, unknown, string]>([
    ['PAYLOAD-13: nothing', new Uint8Array(), 'PAYLOAD_EMPTY'],
    ['PAYLOAD-14: 131,073 bytes', `{"a":1}${' '.repeat(131_066)}`, 'PAYLOAD_TOO_LARGE'],
    ['PAYLOAD-15: a word', 'hello', 'PAYLOAD_NOT_JSON'],
    ['PAYLOAD-15: an open brace', '{', 'PAYLOAD_NOT_JSON'],
    ['PAYLOAD-15: a brace too many', '{"a":1}}', 'PAYLOAD_NOT_JSON'],
    ['PAYLOAD-15: NaN', '{"a":NaN}', 'PAYLOAD_NOT_JSON'],
    ['PAYLOAD-15: single quotes', "{'a':1}", 'PAYLOAD_NOT_JSON'],
    ['PAYLOAD-15: a trailing comma', '{"a":1,}', 'PAYLOAD_NOT_JSON'],
    ['PAYLOAD-15: a comment', '{"a":1/*x*/}', 'PAYLOAD_NOT_JSON'],
    ['PAYLOAD-16: null', 'null', 'PAYLOAD_NOT_OBJECT'],
    ['PAYLOAD-16: a number', '1', 'PAYLOAD_NOT_OBJECT'],
    ['PAYLOAD-16: a text', '"x"', 'PAYLOAD_NOT_OBJECT'],
    ['PAYLOAD-16: an empty list', '[]', 'PAYLOAD_NOT_OBJECT'],
    ['PAYLOAD-16: a list of nothing', '[{}]', 'PAYLOAD_NOT_OBJECT'],
    ['PAYLOAD-16: a list in a list', '[[{"a":1}]]', 'PAYLOAD_NOT_OBJECT'],
    ['PAYLOAD-18: invalid UTF-8', Buffer.from([0x7b, 0xc3, 0x28]), 'PAYLOAD_NOT_UTF8'],
    [
      'PAYLOAD-18: UTF-16 with its mark',
      Buffer.from('\ufeff{"a":1}', 'utf16le'),
      'PAYLOAD_NOT_UTF8',
    ],
    ['PAYLOAD-18: gzip', Buffer.from([0x1f, 0x8b, 0x08, 0]), 'PAYLOAD_NOT_UTF8'],
    ['PAYLOAD-18: CBOR', Buffer.from([0xa1, 0x61, 0x61, 0x01]), 'PAYLOAD_NOT_UTF8'],
    ['PAYLOAD-20: a name twice', '{"t":1,"t":2}', 'DUPLICATE_KEY'],
    ['PAYLOAD-20: a name twice, once escaped', '{"metrics":{"t":1,"\\u0074":2}}', 'DUPLICATE_KEY'],
    ['PAYLOAD-22: nesting of 10,000', '['.repeat(10_000), 'PAYLOAD_TOO_DEEP'],
    ['PAYLOAD-23: 65 metrics', many(65), 'TOO_MANY_FIELDS'],
    ['PAYLOAD-23: 10,000 metrics', many(10_000), 'TOO_MANY_FIELDS'],
    ['PAYLOAD-24: a text as value', { temperature: '21.5' }, 'VALUE_NOT_NUMBER'],
    ['PAYLOAD-24: true as value', { metrics: { temperature: true } }, 'VALUE_NOT_NUMBER'],
    ['PAYLOAD-24: an object as value', { temperature: {} }, 'VALUE_NOT_NUMBER'],
    ['PAYLOAD-24: metrics that are none', { ts: START_MS, metrics: 21 }, 'VALUE_NOT_NUMBER'],
    ['PAYLOAD-24: no value at all', { ts: START_MS, metrics: {} }, 'PAYLOAD_NOT_OBJECT'],
    ['PAYLOAD-25: 1e400', '{"a":1e400}', 'VALUE_NOT_FINITE'],
    ['PAYLOAD-25: -1e400', '{"a":-1e400}', 'VALUE_NOT_FINITE'],
    ['PAYLOAD-28: a time that is an object', { ts: { $date: 1 }, metrics: { a: 1 } }, 'TS_INVALID'],
    ['PAYLOAD-28: a time that is true', { ts: true, metrics: { a: 1 } }, 'TS_INVALID'],
    ['PAYLOAD-30: a negative counter', { n: -1, metrics: { a: 1 } }, 'SEQ_INVALID'],
    ['PAYLOAD-30: half a counter', { n: 1.5, metrics: { a: 1 } }, 'SEQ_INVALID'],
    ['PAYLOAD-30: a counter above 2^53', { n: 2 ** 53, metrics: { a: 1 } }, 'SEQ_INVALID'],
    ['PAYLOAD-30: a counter as text', { n: '7', metrics: { a: 1 } }, 'SEQ_INVALID'],
    ['PAYLOAD-31: a boot that is no text', { boot: 7, metrics: { a: 1 } }, 'BOOT_INVALID'],
    ['PAYLOAD-35: a metric name with a line break', { 'a\nb': 1 }, 'METRIC_NAME_INVALID'],
    ['PAYLOAD-35: a metric name of 65 characters', { ['x'.repeat(65)]: 1 }, 'METRIC_NAME_INVALID'],
    ['501 readings', Array.from({ length: 501 }, () => ({ a: 1 })), 'TOO_MANY_READINGS'],
  ])('rejects %s', (_name, payload, reason) => {
    expect(parse(payload)).toMatchObject({ ok: false, reason })
  })

  it.each<[string, unknown, number]>([
    ['a comma too many', '{"a":1,}', 7],
    ['letters of two bytes before it', '{"°C":}', 7],
    ['a byte order mark before it', '\ufeff{"a":x}', 8],
    ['an end too early', '{"°C":1', 8],
  ])(
    'PAYLOAD-15: tells at which byte a payload stops being JSON: %s',
    (_name, payload, byteOffset) => {
      expect(parse(payload)).toEqual({ ok: false, reason: 'PAYLOAD_NOT_JSON', byteOffset })
    },
  )

  it.each<[string, unknown, unknown]>([
    ['the full form', { ts: START_MS, boot: 'b', n: 1, metrics: { t: 1.5 } }, [{ t: 1.5 }]],
    ['a flat object of numbers', { temperature: 21.4 }, [{ temperature: 21.4 }]],
    ['a list of both forms', [{ a: 1 }, { metrics: { b: 2 } }], [{ a: 1 }, { b: 2 }]],
    ['PAYLOAD-17: a byte order mark', '\ufeff{"a":1}', [{ a: 1 }]],
    ['PAYLOAD-19: a name with a degree sign', { '°C außen': 1 }, [{ '°C außen': 1 }]],
    ['PAYLOAD-21: __proto__, which it leaves out', '{"__proto__":1,"a":2}', [{ a: 2 }]],
    ['PAYLOAD-21: constructor and prototype', '{"constructor":1,"prototype":1,"a":2}', [{ a: 2 }]],
    ['PAYLOAD-23: 64 metrics', many(64), [many(64)]],
    ['PAYLOAD-24: null as "no reading"', { a: null, b: 1 }, [{ a: null, b: 1 }]],
    ['PAYLOAD-25: 1e-400 as 0', '{"a":1e-400}', [{ a: 0 }]],
    ['PAYLOAD-26: 2^53 + 1 as the nearest double', '{"a":9007199254740993}', [{ a: 2 ** 53 }]],
    [
      'PAYLOAD-34: a foreign deviceId, which it ignores',
      { deviceId: 'x', metrics: { a: 1 } },
      [{ a: 1 }],
    ],
    ['PAYLOAD-35: markup in a name, as text', { '<script>': 1 }, [{ '<script>': 1 }]],
    ['500 readings', Array.from({ length: 500 }, () => ({ a: 1 })), Array(500).fill({ a: 1 })],
  ])('accepts %s', (_name, payload, metrics) => {
    expect(metricsOf(payload)).toEqual(metrics)
    expect(({} as Record<string, unknown>).a).toBeUndefined()
  })

  it('takes a time of 1e400 for none', () => {
    const parsed = parse('{"ts":1e400,"metrics":{"a":1}}')
    expect(parsed).toMatchObject({ readings: [{ ts: START_MS, quality: 'clock-unset' }] })
  })

  it.each<[string, unknown, object]>([
    [
      'a soil sensor’s nitrogen, which is no counter',
      { n: 12, p: 30, k: 80 },
      { n: null, metrics: { n: 12, p: 30, k: 80 } },
    ],
    ['the same with a time', { ts: START_MS, n: 12.5 }, { n: null, metrics: { n: 12.5 } }],
    ['a counter beside its boot', { boot: 'b', n: 12, a: 1 }, { n: 12, metrics: { a: 1 } }],
    ['a counter beside metrics', { n: 12, metrics: { n: 3 } }, { n: 12, metrics: { n: 3 } }],
  ])('takes for what it is %s', (_name, payload, expected) => {
    const parsed = parse(payload)
    const [reading] = parsed.ok ? parsed.readings : []
    expect({ n: reading?.n, metrics: Object.fromEntries(reading?.metrics ?? []) }).toEqual(expected)
  })

  it.each<[string, unknown, object]>([
    [
      'a sensor’s state as Tasmota sends it',
      { Time: '2026-01-01T00:00:00', AM2301: { Temperature: 21 } },
      { reason: 'VALUE_NOT_NUMBER', member: 'Time', found: 'a text' },
    ],
    [
      'a value among metrics',
      { metrics: { a: 1, on: true } },
      { reason: 'VALUE_NOT_NUMBER', member: 'metrics.on', found: 'true' },
    ],
    ['a name that cannot be shown', { 'a\nb': 1 }, { member: 'a\ufffdb' }],
    ['a long one', { metrics: { ['x'.repeat(500)]: 1 } }, { member: `metrics.${'x'.repeat(72)}` }],
    ['a boot', { boot: 7, metrics: { a: 1 } }, { member: 'boot', found: 'a number' }],
    [
      'the first of the bad ones in a list, where none is good',
      [{ a: 'x' }, { a: [] }],
      { member: 'a', found: 'a text', index: 0, count: 2 },
    ],
  ])('names what is wrong: %s', (_name, payload, refusal) => {
    expect(parse(payload)).toMatchObject({ ok: false, ...refusal })
  })

  it('keeps the good readings of a list, each in its place, and tells of the others', () => {
    const list = Array.from({ length: 500 }, (_, i) => ({ a: i % 200 === 150 ? `${i}` : i }))
    const parsed = parse(list)
    expect(parsed).toMatchObject({
      ok: true,
      refused: { reason: 'VALUE_NOT_NUMBER', member: 'a', found: 'a text', index: 150, count: 2 },
    })
    const kept = parsed.ok ? parsed.readings : []
    expect(kept).toHaveLength(498)
    expect(kept.every(({ index, metrics }) => metrics.get('a') === index)).toBe(true)
  })

  it.each<[string, unknown, number, string | null]>([
    ['PAYLOAD-27: none: the broker’s', undefined, START_MS, 'broker-time'],
    ['milliseconds as they are', START_MS - 5, START_MS - 5, null],
    ['PAYLOAD-28: seconds times 1,000', START_MS / 1_000, START_MS, null],
    ['PAYLOAD-28: microseconds by 1,000', START_MS * 1_000 + 999, START_MS, null],
    ['PAYLOAD-28: nanoseconds by 1,000,000', START_MS * 1_000_000, START_MS, null],
    ['PAYLOAD-28: a text: the broker’s', '2026-01-01', START_MS, 'clock-unset'],
    ['PAYLOAD-28: 0: the broker’s', 0, START_MS, 'clock-unset'],
    ['PAYLOAD-28: -1: the broker’s', -1, START_MS, 'clock-unset'],
    ['PAYLOAD-28: seconds since it started: the broker’s', 12_345, START_MS, 'clock-unset'],
    ['PAYLOAD-28: the year 275761: the broker’s', 8.64e15 + 1, START_MS, 'clock-unset'],
    ['PAYLOAD-28: null: the broker’s', null, START_MS, 'clock-unset'],
    ['PAYLOAD-29: 6 min ahead, for now', START_MS + 360_000, START_MS + 360_000, null],
  ])('takes the time %s', (_name, ts, expected, quality) => {
    const parsed = parse({ ...(ts === undefined ? {} : { ts }), metrics: { a: 1 } })
    expect(parsed).toMatchObject({ ok: true, readings: [{ ts: expected, quality }] })
  })
})
