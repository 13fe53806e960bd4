import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { Aedes } from 'aedes'
import type { Client, ConnectPacket, PublishPacket, Subscription } from 'aedes'
import { StartError } from '../../platform/errors.ts'
import type { Broker, Clock, Faults } from '../../platform/types.ts'
import { internalsOf, newConnection } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import { admission, CONNACK } from './admission.ts'
import type { Identity } from './identity.ts'
import { limits } from './limits.ts'
import { connectionVersions, lifecycleMessage } from './presence.ts'
import type { DisconnectReason, LifecycleEvent } from './presence.ts'
import { publishGate } from './publish-gate.ts'
import { retainedMessages } from './retained.ts'
import type { RetainedMessages } from './retained.ts'
import type { RulesEngine } from './rules.ts'
import { iotSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'
import { topicEmitter } from './topic-emitter.ts'
import { filterProblem } from './topics.ts'

/** What a slow subscriber may owe before messages to it are dropped instead of filling the memory. */
const OUTBOUND_BUFFER_BYTES = 1024 * 1024
const SESSION_EXPIRY_MS = 3_600_000

export interface MqttBroker extends Broker {
  readonly retained: RetainedMessages
  start(): Promise<void>
  stop(): Promise<void>
  /** The TCP port, after the start. */
  port(): number
  /** False when no such client is connected (aws-behaviour I70). */
  disconnect(clientId: string, options: { readonly preventWill: boolean }): boolean
}

export interface BrokerOptions {
  readonly clock: Clock
  readonly faults: Faults
  readonly counters: Counters
  readonly rules: RulesEngine
  readonly port: number
  /** Undefined refuses the connection. */
  readonly identify: (username: string | undefined, clientId: string) => Identity | undefined
}

/**
 * aedes on a loopback socket with IoT Core's limits and differences (aws-behaviour I1–I20). Messages are consumed in process: the rules
 * engine runs before aedes acknowledges, so that what was acknowledged is where the rules put it.
 */
export function mqttBroker(options: BrokerOptions): MqttBroker {
  const { clock, counters, rules } = options
  const connections = new WeakMap<Client, Connection>()
  const versions = connectionVersions(clock)
  const retained = retainedMessages(clock)
  const admit = admission(options)
  const gate = publishGate({ ...options, retained })
  const aedes = new Aedes({
    mq: topicEmitter(),
    concurrency: 0,
    preConnect,
    authorizePublish,
    authorizeSubscribe,
    authorizeForward,
  })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    accept(socket)
  })
  let address: AddressInfo | undefined
  let sessions: Sessions | undefined

  aedes.on('clientReady', (client) => {
    const connection = connections.get(client)
    if (connection) announce({ type: 'connected', presence: connection.presence })
  })
  aedes.on('clientDisconnect', left)
  aedes.on('keepaliveTimeout', (client) => {
    end(client, 'MQTT_KEEP_ALIVE_TIMEOUT')
  })
  aedes.on('clientError', (client, error) => {
    if ((error as NodeJS.ErrnoException).code === undefined) end(client, 'CLIENT_ERROR')
  })

  function accept(socket: Socket): void {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    const client = aedes.handle(socket)
    // aedes asks about each filter alone, and has no question about a SUBSCRIBE as a whole.
    internalsOf(client)._parser.prependListener('packet', (packet: { cmd: string }) => {
      if (packet.cmd === 'subscribe') limitSubscribe(client, packet as unknown as SubscribeShape)
    })
  }

  /** I5: at most 8 filters in one SUBSCRIBE. I1: a filter with QoS 2 gets no SUBACK. */
  function limitSubscribe(client: Client, packet: SubscribeShape): void {
    if (packet.subscriptions.length > limits.filtersPerSubscribe) {
      end(client, 'CLIENT_ERROR')
      counters.count('Subscribe.ClientError', { Protocol: 'MQTT' })
      client.conn.destroy()
    } else if (packet.subscriptions.some((subscription) => subscription.qos === 2)) {
      packet.subscriptions = []
      packet.messageId = undefined
    }
  }

  function preConnect(
    client: Client,
    packet: ConnectPacket,
    callback: (error: Error | null, success: boolean) => void,
  ): void {
    const outcome = admit(packet)
    if ('refusal' in outcome) {
      client.conn.end(Buffer.from([CONNACK, 2, 0, outcome.refusal]))
      callback(new Error(outcome.why), false)
      return
    }
    const duplicate = clientOf(packet.clientId)
    if (duplicate) end(duplicate, 'DUPLICATE_CLIENTID')
    const { clientId } = packet
    const connection = newConnection(clock, {
      clientId,
      identity: outcome.identity,
      ipAddress:
        client.conn instanceof Object && 'remoteAddress' in client.conn
          ? (client.conn.remoteAddress ?? '')
          : '',
      versionNumber: versions.next(clientId),
    })
    connections.set(client, connection)
    callback(null, true)
  }

  function authorizePublish(
    client: Client | null,
    packet: PublishPacket,
    callback: (error?: Error | null) => void,
  ): void {
    const connection = client && connections.get(client)
    if (!connection) {
      callback(new Error('only a connected client publishes'))
      return
    }
    gate(packet, connection, callback)
  }

  function authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    callback: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    const connection = connections.get(client)
    const filter = subscription.topic
    if (Object.keys(subscriptionsOf(client)).length >= limits.subscriptionsPerConnection) {
      counters.count('Subscribe.Throttle', { Protocol: 'MQTT' })
      callback(null, null)
    } else if (filterProblem(filter) !== undefined) {
      end(client, 'CLIENT_ERROR')
      counters.count('Subscribe.ClientError', { Protocol: 'MQTT' })
      callback(new Error(`the filter ${filter} is not one: ${filterProblem(filter) ?? ''}`))
    } else if (!connection?.identity.may('iot:Subscribe', filter)) {
      // I16: an unauthorised SUBSCRIBE ends the connection.
      end(client, 'AUTH_ERROR')
      counters.count('Subscribe.AuthError', { Protocol: 'MQTT' })
      callback(new Error(`not authorised to subscribe to ${filter}`))
    } else {
      counters.count('Subscribe.Success', { Protocol: 'MQTT' })
      callback(null, subscription)
    }
  }

  /** I24: `iot:Receive` is asked at every delivery. */
  function authorizeForward<P extends PublishPacket>(client: Client, packet: P): P | null {
    const connection = connections.get(client)
    if (!connection?.identity.may('iot:Receive', packet.topic)) {
      counters.count('PublishOut.AuthError', { Protocol: 'MQTT' })
      return null
    }
    if (client.conn.writableLength > OUTBOUND_BUFFER_BYTES) {
      counters.count('PublishOut.Throttle', { Protocol: 'MQTT' })
      return null
    }
    counters.count('PublishOut.Success', { Protocol: 'MQTT' })
    return packet
  }

  function left(client: Client): void {
    const connection = connections.get(client)
    if (!connection) return
    const byClient = internalsOf(client)._disconnected
    const reason =
      connection.reason ?? (byClient ? 'CLIENT_INITIATED_DISCONNECT' : 'CONNECTION_LOST')
    versions.left(client.id)
    announce({ type: 'disconnected', presence: connection.presence, reason })
    if (!client.clean)
      clock.after(SESSION_EXPIRY_MS, () => {
        forgetSession(client.id)
      })
  }

  /** I13: a session is kept for an hour. */
  function forgetSession(clientId: string): void {
    if (!clientOf(clientId)) void sessions?.forget(clientId)
  }

  function announce(event: LifecycleEvent): void {
    const message = lifecycleMessage(event, clock.now())
    // While the broker stops, nobody is left to tell.
    if (message) publish(message.topic, message.payload).catch(() => undefined)
  }

  function end(client: Client, reason: DisconnectReason): void {
    const connection = connections.get(client)
    if (connection) connection.reason ??= reason
  }

  function clientOf(clientId: string): Client | undefined {
    return (aedes as unknown as { clients: Readonly<Record<string, Client | undefined>> }).clients[
      clientId
    ]
  }

  async function publish(
    topic: string,
    payload: Buffer,
    settings: { readonly qos?: 0 | 1; readonly retain?: boolean } = {},
  ): Promise<void> {
    const { qos = 0, retain = false } = settings
    if (retain) retained.store(topic, payload, qos)
    const accepted = rules.process({
      topic,
      payload,
      timestampMs: clock.now(),
      traceId: randomUUID(),
    })
    await new Promise<void>((resolve, reject) => {
      aedes.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
    await accepted
  }

  return {
    retained,
    publish,
    port: () => address?.port ?? 0,
    disconnect(clientId, { preventWill }) {
      const client = clientOf(clientId)
      if (!client) return false
      end(client, 'API_INITIATED_DISCONNECT')
      if (preventWill) (client as { will?: unknown }).will = null
      client.close()
      return true
    },
    async start() {
      await aedes.listen()
      sessions = iotSessions(aedes)
      address = await listen(server, options.port)
    },
    async stop() {
      for (const id of Object.keys((aedes as unknown as { clients: object }).clients)) {
        const client = clientOf(id)
        if (client) end(client, 'SERVER_INITIATED_DISCONNECT')
      }
      await new Promise<void>((resolve) => {
        aedes.close(() => {
          resolve()
        })
      })
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) =>
        server.close(() => {
          resolve()
        }),
      )
    },
  }
}

interface SubscribeShape {
  subscriptions: { readonly qos: number }[]
  messageId: number | undefined
}

function subscriptionsOf(client: Client): object {
  return (client as unknown as { subscriptions: object }).subscriptions
}

function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new StartError(
              'PortInUse',
              `Port ${port} is in use, and MQTT needs it; stop what uses it or choose another one with --mqtt-port N (0 = any).`,
              { cause },
            )
          : cause,
      )
    })
    server.listen(port, '127.0.0.1', () => {
      resolve(server.address() as AddressInfo)
    })
  })
}
