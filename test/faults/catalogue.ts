import type { Act, FaultKind, SeamRule } from './nemesis.ts'

const seam = (name: string, fault: SeamRule['fault'], more: Partial<SeamRule> = {}): Act => ({
  kind: 'seam',
  rule: { seam: name, fault, ...more },
})
const fault = (id: string, name: string, ...acts: readonly Act[]): FaultKind => ({ id, name, acts })

const often = { probability: 0.3 }
const deliver = { target: '$deliver' }
const connect = { target: '$connect' }
const reconnect: Act = { kind: 'cut-sockets', share: 0.7 }

const broker: readonly FaultKind[] = [
  fault('FAULT-1', 'devices lose their connection', { kind: 'reset-devices', share: 0.5 }),
  fault(
    'FAULT-2',
    'publishes arrive three times',
    seam('iot.publish', { kind: 'duplicate', times: 2 }, often),
  ),
  fault('FAULT-4', 'somebody takes the client ids of devices', { kind: 'rob-devices', share: 0.3 }),
  fault(
    'FAULT-5',
    'publishes are above the quota',
    seam('iot.publish', { kind: 'throttle' }, { probability: 0.1 }),
  ),
  fault(
    'FAULT-5',
    'publishes get no answer',
    seam('iot.publish', { kind: 'drop' }, { probability: 0.1 }),
  ),
  fault(
    'FAULT-5',
    'the broker answers late',
    seam('iot.publish', { kind: 'delay', ms: 300 }, often),
  ),
  fault(
    'FAULT-6',
    'the broker restarts',
    { kind: 'reset-devices', share: 1 },
    seam('iot.connect', { kind: 'drop' }),
  ),
  fault(
    'FAULT-6',
    'the broker refuses devices',
    { kind: 'reset-devices', share: 0.5 },
    seam('iot.connect', { kind: 'error' }, { probability: 0.5 }),
  ),
  fault('FAULT-7', 'devices publish where they may not', { kind: 'trespass', share: 0.3 }),
]

const rule: readonly FaultKind[] = [
  fault(
    'FAULT-8',
    'the action of the topic rule fails',
    seam('iot.action', { kind: 'error' }, often),
  ),
  fault(
    'FAULT-8',
    'the action of the topic rule is slow',
    seam('iot.action', { kind: 'delay', ms: 400 }, often),
  ),
  fault(
    'FAULT-8',
    'the topic rule acts twice',
    seam('iot.action', { kind: 'duplicate', times: 1 }, often),
  ),
  fault(
    'FAULT-11',
    'the error action is slow',
    seam('iot.action', { kind: 'throttle' }, often),
    seam('iot.errorAction', { kind: 'delay', ms: 500 }),
  ),
]

const stream: readonly FaultKind[] = [
  fault('FAULT-9', 'the stream throttles', seam('kinesis.put', { kind: 'throttle' }, often)),
  fault('FAULT-9', 'the stream is slow', seam('kinesis.put', { kind: 'delay', ms: 200 }, often)),
  fault(
    'FAULT-9',
    'producers try again',
    seam('kinesis.put', { kind: 'duplicate', times: 1 }, often),
  ),
  fault('FAULT-10', 'the stream takes nothing', seam('kinesis.put', { kind: 'throttle' })),
  fault(
    'FAULT-13',
    'batches come three times',
    seam('esm.deliver', { kind: 'duplicate', times: 2 }, { probability: 0.5 }),
  ),
  fault(
    'FAULT-14',
    'the answers to batches are lost: all again, after later ones of other shards',
    seam('esm.deliver', { kind: 'drop' }, often),
  ),
]

const worker: readonly FaultKind[] = [
  fault('FAULT-15', 'poison among good readings', { kind: 'poison', count: 1, share: 1 }),
  fault('FAULT-16', 'much poison at once', { kind: 'poison', count: 15, share: 0.3 }),
  fault(
    'FAULT-17',
    'the function fails',
    seam('lambda.invoke', { kind: 'error' }, { ...deliver, probability: 0.4 }),
  ),
  fault(
    'FAULT-18',
    'the function is killed when it has nearly finished',
    seam('lambda.invoke', { kind: 'kill', ms: 250 }, { ...deliver, probability: 0.3 }),
  ),
  fault(
    'FAULT-19',
    'the function is killed at its first steps',
    seam('lambda.invoke', { kind: 'kill', ms: 5 }, { ...deliver, probability: 0.2 }),
  ),
  fault(
    'FAULT-19',
    'the function is killed in the middle',
    seam('lambda.invoke', { kind: 'kill', ms: 40 }, { ...deliver, probability: 0.3 }),
  ),
  fault(
    'FAULT-20',
    'the function is slow',
    seam('lambda.invoke', { kind: 'delay', ms: 800 }, { ...deliver, probability: 0.5 }),
  ),
  fault(
    'FAULT-21',
    'the function is throttled',
    seam('lambda.invoke', { kind: 'throttle' }, { ...deliver, probability: 0.6 }),
  ),
  fault(
    'FAULT-21',
    'every function loses answers',
    seam('lambda.invoke', { kind: 'drop' }, { probability: 0.2 }),
  ),
]

const tables: readonly FaultKind[] = [
  fault(
    'FAULT-22',
    'reads are throttled',
    seam('dynamodb.Query', { kind: 'throttle' }, { probability: 0.4 }),
  ),
  fault('FAULT-22', 'batch reads fail', seam('dynamodb.BatchGetItem', { kind: 'error' }, often)),
  fault('FAULT-23', 'the tables are down', seam('dynamodb.*', { kind: 'error', status: 500 })),
  fault('FAULT-23', 'the tables do not answer', seam('dynamodb.*', { kind: 'drop' }, often)),
  fault(
    'FAULT-24',
    'the tables are slow',
    seam('dynamodb.*', { kind: 'delay', ms: 150 }, { probability: 0.5 }),
  ),
  fault(
    'FAULT-25',
    'batch writes are done in part',
    seam('dynamodb.BatchWriteItem', { kind: 'throttle' }, { probability: 0.4 }),
  ),
]

const gone = { kind: 'error', status: 410, code: 'GoneException' } as const

const management: readonly FaultKind[] = [
  fault(
    'FAULT-28',
    'living sockets are called gone',
    seam('management.post', gone, { probability: 0.02 }),
  ),
  fault(
    'FAULT-29',
    'gone without a word',
    seam('management.post', { ...gone, code: '', message: '' }, { probability: 0.02 }),
  ),
  fault(
    'FAULT-30',
    'new sockets are called gone',
    reconnect,
    seam('management.post', gone, { probability: 0.1 }),
  ),
  fault(
    'FAULT-31',
    'one socket is throttled',
    seam('management.post', { kind: 'throttle' }, { target: '$dashboard' }),
  ),
  fault('FAULT-32', 'posts are throttled', seam('management.post', { kind: 'throttle' }, often)),
  fault('FAULT-32', 'every post is throttled', seam('management.post', { kind: 'throttle' })),
  fault(
    'FAULT-33',
    'posts hang',
    seam('management.post', { kind: 'delay', ms: 3_000 }, { probability: 0.1 }),
  ),
  fault('FAULT-34', 'posts fail', seam('management.post', { kind: 'error', status: 500 }, often)),
  fault(
    'FAULT-34',
    'posts are accepted and lost',
    seam('management.post', { kind: 'drop' }, { probability: 0.2 }),
  ),
  fault(
    'FAULT-34',
    'posts arrive twice',
    seam('management.post', { kind: 'duplicate', times: 1 }, often),
  ),
  fault(
    'FAULT-35',
    'posts are forbidden',
    seam('management.post', { kind: 'error', status: 403, code: 'ForbiddenException' }),
  ),
  fault(
    'FAULT-36',
    'posts are too large',
    seam(
      'management.post',
      { kind: 'error', status: 413, code: 'PayloadTooLargeException' },
      { probability: 0.1 },
    ),
  ),
]

const sockets: readonly FaultKind[] = [
  fault('FAULT-37', '$disconnect is lost', reconnect, seam('gateway.disconnect', { kind: 'drop' })),
  fault(
    'FAULT-38',
    '$disconnect runs before $connect is through',
    seam('lambda.invoke', { kind: 'delay', ms: 1_000 }, connect),
    reconnect,
  ),
  fault(
    'FAULT-38',
    '$disconnect runs late',
    seam('gateway.disconnect', { kind: 'delay', ms: 3_000 }),
    reconnect,
  ),
  fault(
    'FAULT-39',
    '$connect fails',
    seam('lambda.invoke', { kind: 'error' }, { ...connect, probability: 0.6 }),
    reconnect,
  ),
  fault('FAULT-40', 'sockets are cut', reconnect),
  fault('FAULT-40', 'sockets are closed', { kind: 'close-sockets', share: 0.5 }),
  fault('FAULT-41', 'the gateway closes sockets', { kind: 'delete-sockets', share: 0.5 }),
  fault('FAULT-42', 'sockets are not read, then everything at once', {
    kind: 'stall-sockets',
    share: 0.4,
  }),
  fault(
    'FAULT-44',
    'the keys of the issuer cannot be had',
    seam('jwks', { kind: 'error', status: 500 }),
    reconnect,
  ),
  fault(
    'FAULT-44',
    'the keys of the issuer are garbage',
    seam('jwks', { kind: 'error', status: 200, message: '<html>' }),
    reconnect,
  ),
  fault('FAULT-56', 'a client asks without end', { kind: 'flood' }),
]

const clocks: readonly FaultKind[] = [
  fault('FAULT-48', 'device clocks go back seconds', { kind: 'clock-back', ms: 4_000, share: 0.2 }),
  fault('FAULT-48', 'device clocks go back minutes', {
    kind: 'clock-back',
    ms: 150_000,
    share: 0.2,
  }),
  fault('FAULT-48', 'device clocks go back hours', {
    kind: 'clock-back',
    ms: 7_500_000,
    share: 0.15,
  }),
  fault('PROMISE-4', 'devices restart and count from 1', { kind: 'reboot-devices', share: 0.4 }),
]

/** What the nemesis draws from: broker, rule, stream, worker, DynamoDB, management API, socket, clock. */
export const catalogue: readonly FaultKind[] = [
  ...broker,
  ...rule,
  ...stream,
  ...worker,
  ...tables,
  ...management,
  ...sockets,
  ...clocks,
]

/**
 * Rows that a campaign cannot draw, why, and the test that proves them where there is one. FAULT-46 (a token ends) and FAULT-47 (a revocation) are in every
 * campaign, as its people.
 */
export const leftOut: Readonly<
  Record<
    string,
    { readonly why: string; readonly test?: { readonly file: string; readonly title: string } }
  >
> = {
  'FAULT-3': {
    why: 'silence is no loss',
    test: {
      file: 'test/contract/quiet-day.test.ts',
      title: 'notice that a fleet falls silent, but not that there is none',
    },
  },
  'FAULT-12': { why: 'the local stream keeps its shards: there is nothing to split' },
  'FAULT-26': {
    why: 'takes megabytes of subscriptions',
    test: { file: 'test/contract/large-audience.test.ts', title: 'FAULT-26: everybody is reached' },
  },
  'FAULT-27': { why: 'the local tables are always consistent' },
  'FAULT-43': { why: 'a slow link is between FAULT-42 and FAULT-31; loopback has no such rates' },
  'FAULT-45': {
    why: 'keys rotate in milliseconds with a clock of the test',
    test: {
      file: 'backend/src/adapters/jwks-cache.test.ts',
      title: 'a new key is found at once',
    },
  },
  'FAULT-49': {
    why: 'the campaign keeps everything in memory',
    test: { file: 'test/systems/disk.test.ts', title: 'becomes full: says so once' },
  },
  'FAULT-50': {
    why: 'a start that fails is no running system',
    test: {
      file: 'test/systems/start-stop.test.ts',
      title: 'says in one line which port is in use',
    },
  },
  'FAULT-51': {
    why: 'stopping ends a campaign',
    test: {
      file: 'test/systems/start-stop.test.ts',
      title: 'ends on Ctrl-C with exit code 0',
    },
  },
  'FAULT-52': { why: 'the logs stay in the process' },
  'FAULT-53': {
    why: 'an alarm, not a delivery',
    test: {
      file: 'test/contract/quiet-day.test.ts',
      title: 'notice within six minutes that the sweeper does not report any more',
    },
  },
  'FAULT-54': { why: 'an alarm, not a delivery: CloudWatch tells people, no code of ours' },
  'FAULT-55': { why: 'a hidden tab is a stalled socket (FAULT-42) to everybody else' },
}
