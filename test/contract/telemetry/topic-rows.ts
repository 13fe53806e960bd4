import { because, one, payload, rejected, TOPIC, type TableRow } from './row.ts'

/** MQTT 3.1.1 has no word for why a server hangs up: it is in the device's presence, and counted. */
const NO_WORDS =
  'IoT Core ends the connection without a word; the code is the reason in the device’s presence (IOT-19).'
const CLIENT_ERROR = { disconnected: 'CLIENT_ERROR', counted: 'PublishIn.ClientError' } as const
const AUTH_ERROR = { disconnected: 'AUTH_ERROR', counted: 'PublishIn.AuthError' } as const

const ends = (id: string, what: string, topic: string): TableRow => ({
  id,
  what,
  by: 'broker',
  topic,
  outcome: CLIENT_ERROR,
  reason: NO_WORDS,
})
/** No MQTT at all: the parser ends the connection before anybody counts. */
const breaks = (id: string, what: string, topic: string): TableRow => ({
  ...ends(id, what, topic),
  outcome: { disconnected: 'CLIENT_ERROR' },
})
const denied = (id: string, what: string, topic: string): TableRow => ({
  id,
  what,
  by: 'broker',
  topic,
  outcome: AUTH_ERROR,
})

const POLICY =
  'IoT Core does not count what no rule matches. A device’s policy allows its own telemetry topic only, so it is disconnected with AUTH_ERROR, which its presence shows and `publishes-denied` alarms on; without a policy nothing is stored.'
const unmatched = { outcome: 'unmatched', reason: POLICY } as const

const malformed: readonly TableRow[] = [
  breaks('PAYLOAD-1', 'no topic', ''),
  ends('PAYLOAD-2', 'a topic of 257 bytes', `dt/${'x'.repeat(254)}`),
  ends('PAYLOAD-2', 'a topic of 257 bytes in 130 characters', `dt/${'é'.repeat(127)}`),
  ends('PAYLOAD-3', 'eight slashes', 'dt/1/2/3/4/5/6/7/8'),
  breaks('PAYLOAD-4', 'a plus', 'dt/+/telemetry'),
  breaks('PAYLOAD-4', 'a number sign', 'dt/#'),
  denied('PAYLOAD-5', '$SYS', '$SYS/x'),
  denied('PAYLOAD-5', 'a shadow', '$aws/things/x/shadow/update'),
  ends('PAYLOAD-6', 'U+0000 in the topic', 'dt/plant-1/d\u00001/telemetry'),
]

const foreign: readonly TableRow[] = [
  because(denied('PAYLOAD-7', 'a slash in front', '/dt/plant-1/d1/telemetry'), POLICY),
  { id: 'PAYLOAD-7', what: 'a slash behind', by: 'rule', topic: `${TOPIC}/`, ...unmatched },
  because(
    { ...denied('PAYLOAD-7', 'a slash behind, of a thing', `${TOPIC}/`), as: 'thing' },
    POLICY,
  ),
  { id: 'PAYLOAD-8', what: 'case', by: 'rule', topic: 'dt/plant-1/d1/Telemetry', ...unmatched },
  because(
    { ...denied('PAYLOAD-8', 'case, of a thing', 'dt/plant-1/d1/Telemetry'), as: 'thing' },
    POLICY,
  ),
  because(denied('PAYLOAD-8', 'case of the first level', 'Dt/plant-1/d1/telemetry'), POLICY),
  because(
    {
      ...payload('PAYLOAD-7', 'an empty level', { a: 1 }, rejected('TOPIC_INVALID')),
      topic: 'dt/p//telemetry',
    },
    'A plus in a rule matches an empty level (IOT-37): it is put aside, with its bytes.',
  ),
  { ...denied('PAYLOAD-9', 'another device’s topic', 'dt/plant-1/d2/telemetry'), as: 'thing' },
  { ...denied('PAYLOAD-9', 'another site’s topic', 'dt/plant-2/d1/telemetry'), as: 'thing' },
  { ...denied('PAYLOAD-9', 'a command to itself', 'cmd/plant-1/d1/1'), as: 'thing' },
]

const connections: readonly TableRow[] = [
  {
    id: 'PAYLOAD-10',
    what: 'a client id that is not the thing’s name',
    by: 'broker',
    as: 'thing',
    connect: { clientId: 'd2' },
    // Not authorised: 7 in IoT Core (IOT-9).
    outcome: { refused: 7, counted: 'Connect.AuthError' },
  },
  {
    id: 'PAYLOAD-10',
    what: 'a client id of 129 bytes',
    by: 'broker',
    connect: { clientId: 'x'.repeat(129) },
    outcome: { refused: 2, counted: 'Connect.ClientError' },
  },
  {
    id: 'PAYLOAD-10',
    what: 'no client id and a session to keep',
    by: 'broker',
    // By hand, no library writes it: CONNECT, MQTT 3.1.1, no flags, 60 s, an empty client id.
    bytes: Buffer.from('\u0010\u000c\u0000\u0004MQTT\u0004\u0000\u0000<\u0000\u0000', 'latin1'),
    outcome: { refused: 2, counted: 'Connect.ClientError' },
  },
  ...['#', 'dt/#', 'cmd/plant-1/d2/+'].map((subscribe): TableRow => ({
    id: 'PAYLOAD-11',
    what: `a SUBSCRIBE to ${subscribe}`,
    by: 'broker',
    as: 'thing',
    subscribe,
    outcome: { disconnected: 'AUTH_ERROR', counted: 'Subscribe.AuthError' },
    reason: 'IoT Core ends the connection of who may not subscribe (IOT-16).',
  })),
]

const ONE_CODE =
  'A topic is refused as a whole: site and device have the same form and share the code.'

const devices: readonly TableRow[] = [
  ...['..', '%2e%2e', 'd1|d2', 'd'.repeat(129), '😀', 'd\u202e1', 'd 1'].map((device) =>
    because(
      {
        ...payload(
          'PAYLOAD-12',
          `a device ${JSON.stringify(device)}`,
          { a: 1 },
          rejected('TOPIC_INVALID'),
        ),
        topic: `dt/plant-1/${device}/telemetry`,
      },
      ONE_CODE,
    ),
  ),
  because(
    breaks('PAYLOAD-12', 'a device "d1#x"', 'dt/plant-1/d1#x/telemetry'),
    'A number sign is a wildcard: PAYLOAD-4.',
  ),
  ...['__proto__', 'constructor', 'd:1_x-2', 'd'.repeat(128)].map((device) => ({
    ...payload('PAYLOAD-12', `a device ${device}, as any other`, { a: 1 }, one({ a: 1 })),
    topic: `dt/plant-1/${device}/telemetry`,
  })),
]

/** Topics, client ids and subscriptions: PAYLOAD-1 to PAYLOAD-12. */
export const topicRows: readonly TableRow[] = [...malformed, ...foreign, ...connections, ...devices]
