import type { Client, PublishPacket, Subscription } from 'aedes'
import { internalsOf } from './connection.ts'
import type { ConnectionRegister } from './connection-register.ts'
import type { Counters } from './counters.ts'
import { limits } from './limits.ts'
import type { DisconnectReason } from './presence.ts'
import { filterProblem } from './topics.ts'

/** What a slow subscriber may owe before messages to it are dropped instead of filling the memory. */
const OUTBOUND_BUFFER_BYTES = 1024 * 1024
const PROTOCOL = { Protocol: 'MQTT' }

/** What a client may subscribe to and what it is sent. */
export interface SubscribeGate {
  /** Watches a new client's packets for limits that aedes asks nobody about. */
  watch(client: Client): void
  authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    callback: (error: Error | null, subscription?: Subscription | null) => void,
  ): void
  authorizeForward<P extends PublishPacket>(client: Client, packet: P): P | null
}

interface SubscribePacket {
  readonly cmd: string
  subscriptions: { readonly qos: number }[]
  messageId: number | undefined
}

export function subscribeGate(register: ConnectionRegister, counters: Counters): SubscribeGate {
  function refusal(
    client: Client,
    filter: string,
  ): { reason: DisconnectReason; metric: string; why: string } | undefined {
    const problem = filterProblem(filter)
    if (problem !== undefined) {
      return {
        reason: 'CLIENT_ERROR',
        metric: 'Subscribe.ClientError',
        why: `${filter}: ${problem}`,
      }
    }
    // I16: an unauthorised SUBSCRIBE ends the connection.
    return register.of(client)?.identity.may('iot:Subscribe', filter) === true
      ? undefined
      : {
          reason: 'AUTH_ERROR',
          metric: 'Subscribe.AuthError',
          why: `not authorised to subscribe to ${filter}`,
        }
  }

  /** I5: at most 8 filters in one SUBSCRIBE. I1: a filter with QoS 2 gets no SUBACK. */
  function limit(client: Client, packet: SubscribePacket): void {
    if (packet.subscriptions.length > limits.filtersPerSubscribe) {
      register.end(client, 'CLIENT_ERROR')
      counters.count('Subscribe.ClientError', PROTOCOL)
      client.conn.destroy()
    } else if (packet.subscriptions.some((subscription) => subscription.qos === 2)) {
      packet.subscriptions = []
      packet.messageId = undefined
    }
  }

  return {
    watch(client) {
      // aedes asks about each filter alone, and has no question about a SUBSCRIBE as a whole.
      internalsOf(client)._parser.prependListener('packet', (packet: SubscribePacket) => {
        if (packet.cmd === 'subscribe') limit(client, packet)
      })
    },
    authorizeSubscribe(client, subscription, callback) {
      if (
        Object.keys(internalsOf(client).subscriptions).length >= limits.subscriptionsPerConnection
      ) {
        counters.count('Subscribe.Throttle', PROTOCOL)
        callback(null, null)
        return
      }
      const refused = refusal(client, subscription.topic)
      counters.count(refused?.metric ?? 'Subscribe.Success', PROTOCOL)
      if (refused) register.end(client, refused.reason)
      if (refused) callback(new Error(refused.why))
      else callback(null, subscription)
    },
    authorizeForward(client, packet) {
      // I24: `iot:Receive` is asked at every delivery.
      const isAllowed = register.of(client)?.identity.may('iot:Receive', packet.topic) === true
      const isSlow = client.conn.writableLength > OUTBOUND_BUFFER_BYTES
      const outcome = !isAllowed ? 'AuthError' : isSlow ? 'Throttle' : 'Success'
      counters.count(`PublishOut.${outcome}`, PROTOCOL)
      return outcome === 'Success' ? packet : null
    },
  }
}
