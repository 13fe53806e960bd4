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
  fault('F01', 'devices lose their connection', { kind: 'reset-devices', share: 0.5 }),
  fault(
    'F02',
    'publishes arrive three times',
    seam('iot.publish', { kind: 'duplicate', times: 2 }, often),
  ),
  fault('F04', 'somebody takes the client ids of devices', { kind: 'rob-devices', share: 0.3 }),
  fault(
    'F05',
    'publishes are above the quota',
    seam('iot.publish', { kind: 'throttle' }, { probability: 0.1 }),
  ),
  fault(
    'F05',
    'publishes get no answer',
    seam('iot.publish', { kind: 'drop' }, { probability: 0.1 }),
  ),
  fault('F05', 'the broker answers late', seam('iot.publish', { kind: 'delay', ms: 300 }, often)),
  fault(
    'F06',
    'the broker restarts',
    { kind: 'reset-devices', share: 1 },
    seam('iot.connect', { kind: 'drop' }),
  ),
  fault(
    'F06',
    'the broker refuses devices',
    { kind: 'reset-devices', share: 0.5 },
    seam('iot.connect', { kind: 'error' }, { probability: 0.5 }),
  ),
  fault('F07', 'devices publish where they may not', { kind: 'trespass', share: 0.3 }),
]

const rule: readonly FaultKind[] = [
  fault('F08', 'the action of the topic rule fails', seam('iot.action', { kind: 'error' }, often)),
  fault(
    'F08',
    'the action of the topic rule is slow',
    seam('iot.action', { kind: 'delay', ms: 400 }, often),
  ),
  fault(
    'F08',
    'the topic rule acts twice',
    seam('iot.action', { kind: 'duplicate', times: 1 }, often),
  ),
  fault(
    'F11',
    'the error action is slow',
    seam('iot.action', { kind: 'throttle' }, often),
    seam('iot.errorAction', { kind: 'delay', ms: 500 }),
  ),
]

const stream: readonly FaultKind[] = [
  fault('F09', 'the stream throttles', seam('kinesis.put', { kind: 'throttle' }, often)),
  fault('F09', 'the stream is slow', seam('kinesis.put', { kind: 'delay', ms: 200 }, often)),
  fault('F09', 'producers try again', seam('kinesis.put', { kind: 'duplicate', times: 1 }, often)),
  fault('F10', 'the stream takes nothing', seam('kinesis.put', { kind: 'throttle' })),
  fault(
    'F13',
    'batches come three times',
    seam('esm.deliver', { kind: 'duplicate', times: 2 }, { probability: 0.5 }),
  ),
  fault(
    'F14',
    'the answers to batches are lost: all again, after later ones of other shards',
    seam('esm.deliver', { kind: 'drop' }, often),
  ),
]

const worker: readonly FaultKind[] = [
  fault('F15', 'poison among good readings', { kind: 'poison', count: 1, share: 1 }),
  fault('F16', 'much poison at once', { kind: 'poison', count: 15, share: 0.3 }),
  fault(
    'F17',
    'the function fails',
    seam('lambda.invoke', { kind: 'error' }, { ...deliver, probability: 0.4 }),
  ),
  fault(
    'F18',
    'the function is killed when it has nearly finished',
    seam('lambda.invoke', { kind: 'kill', ms: 250 }, { ...deliver, probability: 0.3 }),
  ),
  fault(
    'F19',
    'the function is killed at its first steps',
    seam('lambda.invoke', { kind: 'kill', ms: 5 }, { ...deliver, probability: 0.2 }),
  ),
  fault(
    'F19',
    'the function is killed in the middle',
    seam('lambda.invoke', { kind: 'kill', ms: 40 }, { ...deliver, probability: 0.3 }),
  ),
  fault(
    'F20',
    'the function is slow',
    seam('lambda.invoke', { kind: 'delay', ms: 800 }, { ...deliver, probability: 0.5 }),
  ),
  fault(
    'F21',
    'the function is throttled',
    seam('lambda.invoke', { kind: 'throttle' }, { ...deliver, probability: 0.6 }),
  ),
  fault(
    'F21',
    'every function loses answers',
    seam('lambda.invoke', { kind: 'drop' }, { probability: 0.2 }),
  ),
]

const tables: readonly FaultKind[] = [
  fault(
    'F22',
    'reads are throttled',
    seam('dynamodb.Query', { kind: 'throttle' }, { probability: 0.4 }),
  ),
  fault('F22', 'batch reads fail', seam('dynamodb.BatchGetItem', { kind: 'error' }, often)),
  fault('F23', 'the tables are down', seam('dynamodb.*', { kind: 'error', status: 500 })),
  fault('F23', 'the tables do not answer', seam('dynamodb.*', { kind: 'drop' }, often)),
  fault(
    'F24',
    'the tables are slow',
    seam('dynamodb.*', { kind: 'delay', ms: 150 }, { probability: 0.5 }),
  ),
  fault(
    'F25',
    'batch writes are done in part',
    seam('dynamodb.BatchWriteItem', { kind: 'throttle' }, { probability: 0.4 }),
  ),
]

const gone = { kind: 'error', status: 410, code: 'GoneException' } as const

const management: readonly FaultKind[] = [
  fault(
    'F28',
    'living sockets are called gone',
    seam('management.post', gone, { probability: 0.02 }),
  ),
  fault(
    'F29',
    'gone without a word',
    seam('management.post', { ...gone, code: '', message: '' }, { probability: 0.02 }),
  ),
  fault(
    'F30',
    'new sockets are called gone',
    reconnect,
    seam('management.post', gone, { probability: 0.1 }),
  ),
  fault(
    'F31',
    'one socket is throttled',
    seam('management.post', { kind: 'throttle' }, { target: '$dashboard' }),
  ),
  fault('F32', 'posts are throttled', seam('management.post', { kind: 'throttle' }, often)),
  fault('F32', 'every post is throttled', seam('management.post', { kind: 'throttle' })),
  fault(
    'F33',
    'posts hang',
    seam('management.post', { kind: 'delay', ms: 3_000 }, { probability: 0.1 }),
  ),
  fault('F34', 'posts fail', seam('management.post', { kind: 'error', status: 500 }, often)),
  fault(
    'F34',
    'posts are accepted and lost',
    seam('management.post', { kind: 'drop' }, { probability: 0.2 }),
  ),
  fault(
    'F34',
    'posts arrive twice',
    seam('management.post', { kind: 'duplicate', times: 1 }, often),
  ),
  fault(
    'F35',
    'posts are forbidden',
    seam('management.post', { kind: 'error', status: 403, code: 'ForbiddenException' }),
  ),
  fault(
    'F36',
    'posts are too large',
    seam(
      'management.post',
      { kind: 'error', status: 413, code: 'PayloadTooLargeException' },
      { probability: 0.1 },
    ),
  ),
]

const sockets: readonly FaultKind[] = [
  fault('F37', '$disconnect is lost', reconnect, seam('gateway.disconnect', { kind: 'drop' })),
  fault(
    'F38',
    '$disconnect runs before $connect is through',
    seam('lambda.invoke', { kind: 'delay', ms: 1_000 }, connect),
    reconnect,
  ),
  fault(
    'F38',
    '$disconnect runs late',
    seam('gateway.disconnect', { kind: 'delay', ms: 3_000 }),
    reconnect,
  ),
  fault(
    'F39',
    '$connect fails',
    seam('lambda.invoke', { kind: 'error' }, { ...connect, probability: 0.6 }),
    reconnect,
  ),
  fault('F40', 'sockets are cut', reconnect),
  fault('F40', 'sockets are closed', { kind: 'close-sockets', share: 0.5 }),
  fault('F41', 'the gateway closes sockets', { kind: 'delete-sockets', share: 0.5 }),
  fault('F42', 'sockets are not read, then everything at once', {
    kind: 'stall-sockets',
    share: 0.4,
  }),
  fault(
    'F44',
    'the keys of the issuer cannot be had',
    seam('jwks', { kind: 'error', status: 500 }),
    reconnect,
  ),
  fault(
    'F44',
    'the keys of the issuer are garbage',
    seam('jwks', { kind: 'error', status: 200, message: '<html>' }),
    reconnect,
  ),
  fault('F56', 'a client asks without end', { kind: 'flood' }),
]

const clocks: readonly FaultKind[] = [
  fault('F48', 'device clocks go back seconds', { kind: 'clock-back', ms: 4_000, share: 0.2 }),
  fault('F48', 'device clocks go back minutes', { kind: 'clock-back', ms: 150_000, share: 0.2 }),
  fault('F48', 'device clocks go back hours', { kind: 'clock-back', ms: 7_500_000, share: 0.15 }),
  fault('P04', 'devices restart and count from 1', { kind: 'reboot-devices', share: 0.4 }),
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
 * Rows that a campaign cannot draw, why, and the test that proves them where there is one. F46 (a token ends) and F47 (a revocation) are in every
 * campaign, as its people.
 */
export const leftOut: Readonly<
  Record<
    string,
    { readonly why: string; readonly test?: { readonly file: string; readonly title: string } }
  >
> = {
  F03: {
    why: 'silence is no loss',
    test: {
      file: 'test/contract/quiet-day.test.ts',
      title: 'notice that a fleet falls silent, but not that there is none',
    },
  },
  F12: { why: 'the local stream keeps its shards: there is nothing to split' },
  F26: {
    why: 'takes megabytes of subscriptions',
    test: { file: 'test/contract/large-audience.test.ts', title: 'F26: everybody is reached' },
  },
  F27: { why: 'the local tables are always consistent' },
  F43: { why: 'a slow link is between F42 and F31; loopback has no such rates' },
  F45: {
    why: 'keys rotate in milliseconds with a clock of the test',
    test: {
      file: 'backend/src/adapters/jwks-cache.test.ts',
      title: 'a new key is found at once',
    },
  },
  F49: {
    why: 'the campaign keeps everything in memory',
    test: { file: 'test/systems/disk.test.ts', title: 'becomes full: says so once' },
  },
  F50: {
    why: 'a start that fails is no running system',
    test: {
      file: 'test/systems/start-stop.test.ts',
      title: 'says in one line which port is in use',
    },
  },
  F51: {
    why: 'stopping ends a campaign',
    test: {
      file: 'test/systems/start-stop.test.ts',
      title: 'ends on Ctrl-C with exit code 0',
    },
  },
  F52: { why: 'the logs stay in the process' },
  F53: {
    why: 'an alarm, not a delivery',
    test: {
      file: 'test/contract/quiet-day.test.ts',
      title: 'notice within four minutes that the sweeper does not report any more',
    },
  },
  F54: { why: 'an alarm, not a delivery: CloudWatch tells people, no code of ours' },
  F55: { why: 'a hidden tab is a stalled socket (F42) to everybody else' },
}
