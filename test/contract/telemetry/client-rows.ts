import { START_MS } from '../../../backend/src/testing/records.ts'
import { because, one, payload, rejected, type TableRow } from './row.ts'

const withName = (deviceId: string) => ({ ts: START_MS, deviceId, metrics: { a: 1 } })
const exact = { readings: [{ metrics: { a: 1 }, ts: START_MS }] } as const

const identities: readonly TableRow[] = [
  payload('PAYLOAD-34', 'a deviceId beside metrics that is the topic’s', withName('d1'), exact),
  payload('PAYLOAD-34', 'one with its site', withName('plant-1/d1'), exact),
  payload('PAYLOAD-34', 'a foreign deviceId beside metrics: the topic holds', withName('x'), {
    ...exact,
    counted: { DeviceMismatches: 1 },
  }),
  payload(
    'PAYLOAD-34',
    'a foreign deviceId in a flat object',
    { deviceId: 'x', a: 1 },
    {
      ...one({ a: 1 }),
      counted: { DeviceMismatches: 1 },
    },
  ),
]

const NAMES = [
  'a\nb',
  'a\r\nb',
  '\u001b[31m',
  'a\u0085b',
  'a\u202eb',
  'a\u2067b',
  'a\u2028b',
  '\ud800',
  'x'.repeat(65),
]

const names: readonly TableRow[] = [
  payload(
    'PAYLOAD-35',
    'markup and a formula, as text',
    { '<script>': 1, '=cmd()': 2 },
    {
      ...one({ '<script>': 1, '=cmd()': 2 }),
      shown: { csv: "time,<script>,'=cmd()" },
    },
  ),
  ...NAMES.map((name) =>
    payload(
      'PAYLOAD-35',
      `the name ${JSON.stringify(name)}`,
      { [name]: 1 },
      rejected('METRIC_NAME_INVALID'),
    ),
  ),
  because(
    {
      id: 'PAYLOAD-35',
      what: 'a name of 1 MB',
      by: 'broker',
      payload: { ['x'.repeat(1_000_000)]: 1 },
      outcome: { disconnected: 'CLIENT_ERROR', counted: 'PublishIn.ClientError' },
    },
    'It is larger than a payload may be (PAYLOAD-14). Names end at 64 characters, not at 256: they are the columns of a table.',
  ),
]

const flags: readonly TableRow[] = [
  {
    id: 'PAYLOAD-36',
    what: 'the retain flag, of a thing',
    by: 'broker',
    as: 'thing',
    retain: true,
    outcome: { disconnected: 'AUTH_ERROR', counted: 'PublishIn.AuthError' },
  },
  {
    ...payload(
      'PAYLOAD-36',
      'the retain flag, of who may retain: a reading as any other',
      { a: 1 },
      one({ a: 1 }),
    ),
    retain: true,
  },
  {
    id: 'PAYLOAD-36',
    what: 'QoS 2',
    by: 'broker',
    payload: { a: 1 },
    qos: 2,
    outcome: { unanswered: 'PublishIn.ClientError' },
    reason: 'IoT Core has no QoS 2 and gives no answer (IOT-1).',
  },
  {
    id: 'PAYLOAD-36',
    what: 'a will that says "offline", of a thing',
    by: 'deliver',
    as: 'thing',
    will: 'offline',
    outcome: { rejected: 'PAYLOAD_NOT_JSON', byteOffset: 0 },
    reason:
      'It is put aside: whether a device is online says its presence alone, which no device writes.',
  },
  because(
    {
      id: 'PAYLOAD-36',
      what: 'a will that is a reading, of a thing',
      by: 'deliver',
      as: 'thing',
      will: { alive: 0 },
      outcome: { ...one({ alive: 0 }), left: 'CONNECTION_LOST' },
    },
    'The rules engine gets a will as any publish of its device (IOT-20), so it is what it says: a reading, at the broker’s time. The status comes from the presence.',
  ),
  {
    id: 'PAYLOAD-36',
    what: 'a will on another device’s topic, of a thing',
    by: 'broker',
    as: 'thing',
    topic: 'dt/plant-1/d2/telemetry',
    will: { a: 1 },
    outcome: { disconnected: 'AUTH_ERROR', counted: 'PublishIn.AuthError' },
  },
]

const strangers: readonly TableRow[] = [
  {
    id: 'PAYLOAD-37',
    what: 'an MQTT 5 CONNECT',
    by: 'broker',
    connect: { version: 5 },
    outcome: { refused: 1, told: /MQTT 5, which only AWS speaks; set the client to 3\.1\.1/ },
    reason: 'IoT Core speaks MQTT 5; the local broker speaks 3.1.1 and says so with return code 1.',
  },
  because(
    {
      id: 'PAYLOAD-38',
      what: 'a device id that is not the credential’s',
      by: 'broker',
      as: 'thing',
      topic: 'dt/plant-1/new-1/telemetry',
      outcome: { disconnected: 'AUTH_ERROR', counted: 'PublishIn.AuthError' },
    },
    'One credential is one device: it is disconnected at its first. Ten thousand of a client without a policy: flood.test.ts.',
  ),
  ...Object.entries({
    HTTP: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    TLS: '\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0003',
  }).map(([what, text]): TableRow => ({
    id: 'PAYLOAD-39',
    what,
    by: 'broker',
    bytes: Buffer.from(text, 'latin1'),
    outcome: {
      refused: 'closed',
      told: new RegExp(`not MQTT \\(looks like ${what}\\).* Use mqtt://127\\.0\\.0\\.1:\\d+\\.$`),
    },
  })),
]

/** Who sends, and how: PAYLOAD-34 to PAYLOAD-39. */
export const clientRows: readonly TableRow[] = [...identities, ...names, ...flags, ...strangers]
