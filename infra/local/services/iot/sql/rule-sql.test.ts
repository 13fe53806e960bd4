import { describe, expect, it } from 'vitest'
import { messageScope } from './message.ts'
import { compileRuleSql, compileTemplate } from './rule-sql.ts'
import type { SqlVersion } from './rule-sql.ts'

const PAYLOAD = {
  temperature: 21.4,
  color: { red: 255 },
  n: 5,
  text: 'abc',
  fifty: '50',
  flag: true,
  nothing: null,
  'my-key': 1,
  e: [
    { n: 'temperature', v: 27 },
    { n: 'light', v: 80 },
  ],
}

interface RunOptions {
  readonly payload?: unknown
  readonly raw?: Buffer
  readonly topic?: string
  readonly clientId?: string
  readonly version?: SqlVersion
}

/** The result of a rule's SELECT; `rejected` when WHERE does not let the actions run. */
function run(sql: string, options: RunOptions = {}): unknown {
  const compiled = compileRuleSql(sql, options.version ?? '2016-03-23')
  const scope = scopeOf(options)
  if (!compiled.accepts(scope)) return 'rejected'
  const data = compiled.select(scope)
  return data && (JSON.parse(data.toString()) as unknown)
}

function scopeOf(options: RunOptions) {
  return messageScope(
    {
      topic: options.topic ?? 'dt/plant-1/pump-7/telemetry',
      payload: options.raw ?? Buffer.from(JSON.stringify(options.payload ?? PAYLOAD)),
      timestampMs: 1_763_799_700_000,
      ...(options.clientId === undefined ? {} : { clientId: options.clientId }),
    },
    { accountId: '000000000000', newId: () => 'id-1' },
  )
}

/** The value of an expression; undefined = Undefined. */
function value(expression: string, options: RunOptions = {}): unknown {
  const result = run(`SELECT ${expression} AS x FROM 'a'`, options) as { x?: unknown }
  return result.x
}

describe('SELECT', () => {
  const TABLE: readonly (readonly [title: string, sql: string, expected: unknown])[] = [
    ['IOT-30: * mixes with other items', "SELECT *, 1 AS one FROM 'a'", { ...PAYLOAD, one: 1 }],
    [
      'IOT-31: a later item overrides one from *',
      "SELECT *, 15 AS n FROM 'a'",
      { ...PAYLOAD, n: 15 },
    ],
    ['IOT-30: a property is named by its last part', "SELECT color.red FROM 'a'", { red: 255 }],
    [
      'IOT-35: Undefined is omitted, null is kept',
      "SELECT missing, nothing FROM 'a'",
      { nothing: null },
    ],
    ['IOT-41: SELECT VALUE gives the bare value', "SELECT VALUE temperature FROM 'a'", 21.4],
    [
      'IOT-42: a nested query gives an array',
      "SELECT (SELECT v FROM e WHERE n = 'temperature') AS t FROM 'a'",
      { t: [{ v: 27 }] },
    ],
    [
      'IOT-42: get() flattens it',
      "SELECT get((SELECT v FROM e WHERE n = 'light'), 0).v AS v FROM 'a'",
      { v: 80 },
    ],
    [
      'IOT-44: object and array literals',
      "SELECT {'lat': n, 'deep': [n, missing, 'x']} AS o FROM 'a'",
      { o: { lat: 5, deep: [5, 'x'] } },
    ],
    [
      'IOT-33: WHERE true lets the actions run',
      "SELECT n FROM 'a' WHERE temperature > 21",
      { n: 5 },
    ],
    ['IOT-33: WHERE false does not', "SELECT n FROM 'a' WHERE temperature > 22", 'rejected'],
    [
      'IOT-33: WHERE does not see aliases',
      "SELECT temperature AS t FROM 'a' WHERE t > 1",
      'rejected',
    ],
    ['IOT-33: WHERE of a non-Boolean does not', "SELECT n FROM 'a' WHERE n", 'rejected'],
  ]
  it.each(TABLE)('%s', (_, sql, expected) => {
    expect(run(sql)).toEqual(expected)
  })

  it('IOT-30, IOT-51: SELECT * hands on the bytes as they came', () => {
    const raw = Buffer.from([0xff, 0x00])
    const compiled = compileRuleSql("SELECT * FROM 'a'", '2016-03-23')
    expect(compiled.select(scopeOf({ raw }))).toBe(raw)
  })

  it('IOT-51: properties of a payload that is not JSON are Undefined, and the parse failure is noted', () => {
    const compiled = compileRuleSql("SELECT temperature, 1 AS one FROM 'a'", '2016-03-23')
    const scope = scopeOf({ raw: Buffer.from('oops') })
    expect(JSON.parse(compiled.select(scope)!.toString())).toEqual({ one: 1 })
    expect(scope.parseFailed).toBe(true)
  })

  it('IOT-32: FROM may be missing for a rule that only Basic Ingest reaches', () => {
    expect(compileRuleSql('SELECT n', '2016-03-23').topicFilter).toBeUndefined()
  })

  it.each([
    ['IOT-41', "SELECT VALUE n FROM 'a'"],
    ['IOT-44', "SELECT {'a': n} AS o FROM 'a'"],
  ])('%s: needs version 2016-03-23', (_, sql) => {
    expect(() => compileRuleSql(sql, '2015-10-08')).toThrow(/2016-03-23/)
  })

  it.each([
    ["SELECT n FROM 'a' WHERE", /expected an expression, found the end at position/],
    ["SELEC n FROM 'a'", /expected SELECT/],
    ["SELECT aws_lambda('x') AS y FROM 'a'", /no function aws_lambda/],
    ["SELECT n FROM 'a' trailing", /expected the end/],
  ])('says what is wrong in %s', (sql, message) => {
    expect(() => compileRuleSql(sql, '2016-03-23')).toThrow(message)
  })
})

describe('expressions', () => {
  const TABLE: readonly (readonly [item: string, expression: string, expected: unknown])[] = [
    ['IOT-36', "n = '5'", false],
    ['IOT-36', 'missing = 1', undefined],
    ['IOT-36', "n <> '5'", true],
    ['IOT-36', 'missing <> 1', undefined],
    ['IOT-36', 'nothing <> null', false],
    ['IOT-37', 'fifty > 40', true],
    ['IOT-37', 'text > 40', undefined],
    ['IOT-37', 'flag > 0', undefined],
    ['IOT-38', "'TRUE' AND flag", true],
    ['IOT-38', 'n AND flag', undefined],
    ['IOT-38', 'NOT flag', false],
    ['IOT-39', 'text + 1', 'abc1'],
    ['IOT-39', 'n + 1', 6],
    ['IOT-39', 'fifty * 2', 100],
    ['IOT-39', '(50 - 32) * 5 / 9', 10],
    ['IOT-39', '7 / 2', 3],
    ['IOT-39', '7.0 / 2', 3.5],
    ['IOT-39', '7 % 4', 3],
    ['IOT-39', '7 / 0', undefined],
    ['IOT-43', "CASE text WHEN 'x' THEN 1 WHEN 'abc' THEN 2 ELSE 3 END", 2],
    ['IOT-43', "CASE text WHEN 'x' THEN 1 END", undefined],
    ['IOT-43', "CASE missing WHEN 'x' THEN 1 ELSE 2 END", undefined],
    ['IOT-45', "get(*, 'my-key')", 1],
    ['IOT-46', 'topic()', 'dt/plant-1/pump-7/telemetry'],
    ['IOT-46', 'topic(2)', 'plant-1'],
    ['IOT-46', 'topic(9)', undefined],
    ['IOT-47', 'timestamp()', 1_763_799_700_000],
    ['IOT-48', 'clientid()', 'n/a'],
    ['IOT-49', 'newuuid()', 'id-1'],
    ['IOT-49', 'accountid()', '000000000000'],
    ['IOT-49', "concat('a', n, 'b')", 'a5b'],
    ['IOT-49', 'upper(text)', 'ABC'],
    ['IOT-49', "substring('0123', 1)", '123'],
    ['IOT-49', "substring('0123', 1, 2)", '1'],
    ['IOT-49', "regexp_matches(text, '^a')", true],
    ['IOT-49', "regexp_matches(text, '(')", undefined],
    ['IOT-49', 'isNull(nothing)', true],
    ['IOT-49', 'isUndefined(missing)', true],
    ['IOT-49', 'nanvl(text, 7)', 7],
    ['IOT-49', 'round(2.5)', 3],
    ['IOT-49', "sqrt('x')", undefined],
    ['IOT-49', "encode('abc', 'base64')", 'YWJj'],
    ['IOT-49', "decode('eyJhIjoxfQ==', 'base64').a", 1],
    ['IOT-49', "parse_time(\"yyyy-MM-dd'T'HH:mm:ss'Z'\", 0)", '1970-01-01T00:00:00Z'],
    ['IOT-49', "parse_time('HH:mm Z', 0, 'Asia/Tokyo')", '09:00 +0900'],
    [
      'IOT-49',
      "time_to_epoch('2020-04-03 09:45:18 +0000', 'yyyy-MM-dd HH:mm:ss Z')",
      1_585_907_118_000,
    ],
    ['IOT-49', "cast('7' AS Int)", 7],
    ['IOT-49', 'cast(flag AS String)', 'true'],
    ['IOT-49', "cast('x' AS Int)", undefined],
    ['IOT-49', 'cast(0 AS Bool)', false],
  ]
  it.each(TABLE)('%s: %s', (_, expression, expected) => {
    expect(value(expression)).toEqual(expected)
  })

  it('IOT-48: clientid() is the MQTT client id', () => {
    expect(value('clientid()', { clientId: 'pump-7' })).toBe('pump-7')
  })

  it("IOT-51: encode(*, 'base64') takes the bytes, JSON or not", () => {
    expect(value("encode(*, 'base64')", { raw: Buffer.from([0xff, 0x7b]) })).toBe('/3s=')
  })
})

describe('substitution templates', () => {
  it('IOT-52: are evaluated on the original payload', () => {
    expect(compileTemplate('${topic(2)}/${topic(3)}-${color.red}')(scopeOf({}))).toBe(
      'plant-1/pump-7-255',
    )
  })

  it('IOT-60: $$ at the start is a literal $', () => {
    expect(compileTemplate('$$aws/things/${topic(3)}/x')(scopeOf({}))).toBe('$aws/things/pump-7/x')
  })
})
