import type { Client, PublishPacket, Subscription } from 'aedes'
import { internalsOf } from './connection.ts'
import type { ConnectionRegister } from './connection-register.ts'
import type { Counters } from './counters.ts'
import { limits } from './limits.ts'
import type { DisconnectReason } from './presence.ts'
import { shown } from './notices.ts'
import type { Notices } from './notices.ts'
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
  subscriptions: { readonly topic: string; readonly qos: number }[]
  messageId: number | undefined
}

export function subscribeGate(
  register: ConnectionRegister,
  counters: Counters,
  notices: Notices,
): SubscribeGate {
  function refusal(
    client: Client,
    filter: string,
  ): { reason: DisconnectReason; metric: string; why: string } | undefined {
    const problem = filterProblem(filter)
    if (problem !== undefined) {
      return {
        reason: 'CLIENT_ERROR',
        metric: 'Subscribe.ClientError',
        why: `${shown(filter)}: ${problem}`,
      }
    }
    // IOT-16: an unauthorised SUBSCRIBE ends the connection.
    return register.of(client)?.identity.may('iot:Subscribe', filter) === true
      ? undefined
      : {
          reason: 'AUTH_ERROR',
          metric: 'Subscribe.AuthError',
          why: `it may not subscribe to ${shown(filter)}; without a user name that is dt/… and cmd/…, for example dt/#, with thing:{site}/{thing} what the template's policy allows`,
        }
  }

  /** IOT-5: at most 8 filters in one SUBSCRIBE. IOT-1: a filter with QoS 2 gets no SUBACK. */
  function limit(client: Client, packet: SubscribePacket): void {
    // aedes ends the connection by itself, and says nothing.
    for (const { topic } of packet.subscriptions) {
      const problem = filterProblem(topic)
      if (problem === undefined) continue
      register.end(client, 'CLIENT_ERROR')
      notices(
        'subscribe filter',
        `MQTT client ${shown(client.id)} was disconnected, as IoT Core does: the topic filter ${shown(topic)}: ${problem}.`,
      )
    }
    if (packet.subscriptions.length > limits.filtersPerSubscribe) {
      register.end(client, 'CLIENT_ERROR')
      counters.count('Subscribe.ClientError', PROTOCOL)
      notices(
        'subscribe filters',
        `MQTT client ${shown(client.id)} was disconnected, as IoT Core does: more than ${limits.filtersPerSubscribe} filters in one SUBSCRIBE. Send several.`,
      )
      client.conn.destroy()
    } else if (packet.subscriptions.some((subscription) => subscription.qos === 2)) {
      notices(
        'subscribe qos 2',
        `A SUBSCRIBE of MQTT client ${shown(client.id)} gets no answer, as on IoT Core: it asks for QoS 2. Use QoS 0 or 1.`,
      )
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
        notices(
          'subscribe throttle',
          `MQTT client ${shown(client.id)} has ${limits.subscriptionsPerConnection} subscriptions, the quota of IoT Core; further ones are refused (SUBACK 128). Use wildcards or more connections.`,
        )
        callback(null, null)
        return
      }
      const refused = refusal(client, subscription.topic)
      counters.count(refused?.metric ?? 'Subscribe.Success', PROTOCOL)
      if (refused) {
        register.end(client, refused.reason)
        notices(
          `subscribe ${refused.reason}`,
          `MQTT client ${shown(client.id)} was disconnected, as IoT Core does: ${refused.why}.`,
        )
      }
      if (refused) callback(new Error(refused.why))
      else callback(null, subscription)
    },
    authorizeForward(client, packet) {
      // IOT-24: `iot:Receive` is asked at every delivery.
      const isAllowed = register.of(client)?.identity.may('iot:Receive', packet.topic) === true
      const isSlow = client.conn.writableLength > OUTBOUND_BUFFER_BYTES
      const outcome = !isAllowed ? 'AuthError' : isSlow ? 'Throttle' : 'Success'
      counters.count(`PublishOut.${outcome}`, PROTOCOL)
      return outcome === 'Success' ? packet : null
    },
  }
}
