import { randomUUID } from 'node:crypto'
import type { ConnectPacket } from 'aedes'
import { createTokenBucket } from '../../platform/token-bucket.ts'
import type { TokenBucket } from '../../platform/token-bucket.ts'
import type { Clock, Faults } from '../../platform/types.ts'
import type { Counters } from './counters.ts'
import type { Identity } from './identity.ts'
import { limits, topicProblem } from './limits.ts'
import { shown } from './notices.ts'
import type { Notices } from './notices.ts'

/** First byte of a CONNACK packet. */
export const CONNACK = 0x20

const UNACCEPTABLE_PROTOCOL = 1
const IDENTIFIER_REJECTED = 2
const SERVER_UNAVAILABLE = 3
/** IOT-9: IoT Core answers 7 where the standard has 5. */
const NOT_AUTHORIZED = 7

export type Admission =
  | { readonly identity: Identity }
  | { readonly refusal: number; readonly why: string }
  /** The connection is to be cut without an answer. */
  | { readonly dropped: true }

/**
 * Decides on a CONNECT (IOT-4, IOT-6, IOT-7, IOT-9), and brings the packet into the form that IoT Core would use: a client id for a
 * client without one, a keep-alive within the limits. Decides at once, unless a fault on purpose delays it.
 */
export function admission(options: {
  readonly clock: Clock
  readonly counters: Counters
  readonly faults: Faults
  readonly notices: Notices
  readonly identify: (username: string | undefined, clientId: string) => Identity | undefined
}): (packet: ConnectPacket, decide: (admission: Admission) => void) => void {
  const { clock, counters, faults, identify, notices } = options
  const connects = createTokenBucket(clock, { ratePerSecond: limits.connectsPerSecond })
  const perClientId = clientBuckets(clock)
  const refuse = (
    packet: ConnectPacket,
    refusal: { readonly metric: string; readonly code: number; readonly why: string },
  ): Admission => {
    const { metric, code, why } = refusal
    counters.count(`Connect.${metric}`, { Protocol: 'MQTT' })
    notices(
      `connect ${metric} ${code}`,
      `MQTT client ${shown(packet.clientId)} was refused: ${why}`,
    )
    return { refusal: code, why }
  }
  const admit = (packet: ConnectPacket): Admission => {
    if (!connects.take()) return refuse(packet, refusals.tooManyConnects)
    if (!perClientId(packet.clientId).take()) return refuse(packet, refusals.tooSoon)
    const identity = identify(packet.username, packet.clientId)
    if (!identity) return refuse(packet, refusals.userName)
    if (!identity.mayConnect) return refuse(packet, refusals.policy)
    counters.count('Connect.Success', { Protocol: 'MQTT' })
    return { identity }
  }
  return (packet, decide) => {
    const malformed = malformation(packet)
    if (malformed) {
      decide(refuse(packet, malformed))
      return
    }
    if (packet.clientId === '') packet.clientId = randomUUID()
    packet.keepalive = keepAliveSeconds(packet.keepalive ?? 0)
    const fault = faults.at('iot.connect', packet.clientId)
    if (fault?.kind === 'delay') {
      clock.after(fault.ms, () => {
        decide(admit(packet))
      })
    } else if (fault?.kind === 'drop') decide({ dropped: true })
    else if (fault?.kind === 'throttle') {
      decide(refuse(packet, { ...refusals.onPurpose, metric: 'Throttle' }))
    } else if (fault) decide(refuse(packet, refusals.onPurpose))
    else decide(admit(packet))
  }
}

const unavailable = (metric: string, why: string) => ({ metric, code: SERVER_UNAVAILABLE, why })
const notAuthorized = (why: string) => ({ metric: 'AuthError', code: NOT_AUTHORIZED, why })
const clientError = (code: number, why: string) => ({ metric: 'ClientError', code, why })

/** Each with the way out. */
const refusals = {
  tooManyConnects: unavailable(
    'Throttle',
    `more than ${limits.connectsPerSecond} connects in a second, the quota of IoT Core. Spread them.`,
  ),
  tooSoon: unavailable(
    'ClientIDThrottle',
    'a client id may connect once in a second, the quota of IoT Core. Wait a second, or give each connection its own client id.',
  ),
  userName: notAuthorized(
    'its user name names no thing. Leave user name and password out, or use thing:{site}/{thing} (the stand-in for a certificate).',
  ),
  policy: notAuthorized(
    'the IoT policy of the template lets a thing connect only with its own name as client id.',
  ),
  onPurpose: unavailable('ServerError', 'a fault on purpose.'),
}

/** What is wrong with the packet itself. */
function malformation(packet: ConnectPacket): ReturnType<typeof clientError> | undefined {
  const { clientId, clean, protocolVersion, will } = packet
  if (protocolVersion === 3) {
    return clientError(UNACCEPTABLE_PROTOCOL, 'IoT Core speaks MQTT 3.1.1 and 5, not 3.1.')
  }
  // MQTT 3.1.1, 3.1.3: a session to keep needs a name.
  if (clientId === '' && clean === false) {
    return clientError(
      IDENTIFIER_REJECTED,
      'a session that is to be kept needs a client id. Give it one, or ask for a clean session.',
    )
  }
  if (Buffer.byteLength(clientId) > limits.clientIdBytes) {
    return clientError(
      IDENTIFIER_REJECTED,
      `its client id is longer than ${limits.clientIdBytes} bytes.`,
    )
  }
  // IOT-1; MQTT 3.1.1 has no code for it.
  if (will && (will.qos as number) === 2) {
    return clientError(
      SERVER_UNAVAILABLE,
      'IoT Core has no QoS 2, and its will asks for it. Use QoS 0 or 1.',
    )
  }
  const willProblem = will && topicProblem(will.topic)
  return willProblem === undefined
    ? undefined
    : clientError(SERVER_UNAVAILABLE, `the topic of its will: ${willProblem}.`)
}

/** IOT-7: 0 means the maximum, less than 30 s means 30 s. */
function keepAliveSeconds(asked: number): number {
  if (asked === 0) return limits.keepAliveMaxSeconds
  return Math.min(limits.keepAliveMaxSeconds, Math.max(limits.keepAliveMinSeconds, asked))
}

const REMEMBERED_CLIENT_IDS = 10_000

function clientBuckets(clock: Clock): (clientId: string) => TokenBucket {
  let buckets = new Map<string, TokenBucket>()
  return (clientId) => {
    const known = buckets.get(clientId)
    if (known) return known
    if (buckets.size >= REMEMBERED_CLIENT_IDS) buckets = new Map()
    const bucket = createTokenBucket(clock, { ratePerSecond: limits.connectsPerSecondPerClientId })
    buckets.set(clientId, bucket)
    return bucket
  }
}
