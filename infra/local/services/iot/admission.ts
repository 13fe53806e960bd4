import { randomUUID } from 'node:crypto'
import type { ConnectPacket } from 'aedes'
import { createTokenBucket } from '../../platform/token-bucket.ts'
import type { TokenBucket } from '../../platform/token-bucket.ts'
import type { Clock, Faults } from '../../platform/types.ts'
import type { Counters } from './counters.ts'
import type { Identity } from './identity.ts'
import { limits } from './limits.ts'

/** First byte of a CONNACK packet. */
export const CONNACK = 0x20

const IDENTIFIER_REJECTED = 2
const SERVER_UNAVAILABLE = 3
/** I9: IoT Core answers 7 where the standard has 5. */
const NOT_AUTHORIZED = 7

export type Admission =
  | { readonly identity: Identity }
  | { readonly refusal: number; readonly why: string }
  /** The connection is to be cut without an answer. */
  | { readonly dropped: true }

/**
 * Decides on a CONNECT (aws-behaviour I4, I6, I7, I9), and brings the packet into the form that IoT Core would use: a client id for a
 * client without one, a keep-alive within the limits. Decides at once, unless a fault on purpose delays it.
 */
export function admission(options: {
  readonly clock: Clock
  readonly counters: Counters
  readonly faults: Faults
  readonly identify: (username: string | undefined, clientId: string) => Identity | undefined
}): (packet: ConnectPacket, decide: (admission: Admission) => void) => void {
  const { clock, counters, faults, identify } = options
  const connects = createTokenBucket(clock, { ratePerSecond: limits.connectsPerSecond })
  const perClientId = clientBuckets(clock)
  const refuse = (metric: string, refusal: number, why: string): Admission => {
    counters.count(`Connect.${metric}`, { Protocol: 'MQTT' })
    return { refusal, why }
  }
  const admit = (packet: ConnectPacket): Admission => {
    if (!connects.take()) return refuse('Throttle', SERVER_UNAVAILABLE, 'too many connects')
    if (!perClientId(packet.clientId).take()) {
      return refuse('ClientIDThrottle', SERVER_UNAVAILABLE, 'one connect per second and client id')
    }
    const identity = identify(packet.username, packet.clientId)
    if (!identity?.mayConnect) {
      return refuse('AuthError', NOT_AUTHORIZED, `${packet.clientId} may not connect`)
    }
    counters.count('Connect.Success', { Protocol: 'MQTT' })
    return { identity }
  }
  return (packet, decide) => {
    if (packet.clientId === '' && packet.clean === false) {
      // MQTT 3.1.1, 3.1.3: a session to keep needs a name.
      decide(refuse('ClientError', IDENTIFIER_REJECTED, 'a session without a client id'))
      return
    }
    if (packet.clientId === '') packet.clientId = randomUUID()
    packet.keepalive = keepAliveSeconds(packet.keepalive ?? 0)
    if (Buffer.byteLength(packet.clientId) > limits.clientIdBytes) {
      decide(refuse('ClientError', IDENTIFIER_REJECTED, 'the client id is longer than 128 bytes'))
      return
    }
    const fault = faults.at('iot.connect', packet.clientId)
    if (fault?.kind === 'delay') {
      clock.after(fault.ms, () => {
        decide(admit(packet))
      })
    } else if (fault?.kind === 'drop') decide({ dropped: true })
    else if (fault?.kind === 'throttle') {
      decide(refuse('Throttle', SERVER_UNAVAILABLE, 'throttled on purpose'))
    } else if (fault) decide(refuse('ServerError', SERVER_UNAVAILABLE, 'failed on purpose'))
    else decide(admit(packet))
  }
}

/** I7: 0 means the maximum, less than 30 s means 30 s. */
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
