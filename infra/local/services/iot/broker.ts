import { randomUUID } from 'node:crypto'
import { Aedes } from 'aedes'
import type { Client, ConnectPacket, PublishPacket } from 'aedes'
import { AwsError } from '../../platform/errors.ts'
import type { Broker, Clock, Faults } from '../../platform/types.ts'
import { admission, CONNACK } from './admission.ts'
import { connectionRegister } from './connection-register.ts'
import type { ConnectionRegister } from './connection-register.ts'
import type { Counters } from './counters.ts'
import { greetingWatch } from './greeting.ts'
import type { Identity } from './identity.ts'
import { mqttListener } from './mqtt-listener.ts'
import { createNotices } from './notices.ts'
import type { Notices } from './notices.ts'
import { publishGate } from './publish-gate.ts'
import { retainedMessages } from './retained.ts'
import type { RetainedMessages } from './retained.ts'
import type { RulesEngine } from './rules.ts'
import { iotSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'
import { subscribeGate } from './subscribe-gate.ts'
import { topicEmitter } from './topic-emitter.ts'

export interface MqttBroker extends Broker {
  readonly retained: RetainedMessages
  start(): Promise<void>
  stop(): Promise<void>
  /** The TCP port, after the start. */
  port(): number
  /** False when no such client is connected (IOT-70). */
  disconnect(clientId: string, options: { readonly preventWill: boolean }): boolean
}

export interface BrokerOptions {
  readonly clock: Clock
  readonly faults: Faults
  readonly counters: Counters
  readonly rules: RulesEngine
  readonly port: number
  /** Tells the person at the terminal something, in one line. */
  readonly tell: (line: string) => void
  /** Undefined refuses the connection. */
  readonly identify: (username: string | undefined, clientId: string) => Identity | undefined
}

/**
 * aedes on a loopback socket with IoT Core's limits and differences (IOT-1–IOT-20). Messages are consumed in process: the rules
 * engine runs before aedes acknowledges, so that what was acknowledged is where the rules put it.
 */
export function mqttBroker(options: BrokerOptions): MqttBroker {
  const { clock } = options
  const notices = createNotices(clock, options.tell)
  const retained = retainedMessages(clock)
  const register = connectionRegister({ clock, publish })
  const subscriptions = subscribeGate(register, options.counters, notices)
  const aedes = new Aedes({
    mq: topicEmitter(),
    concurrency: 0,
    preConnect: preConnect({ ...options, notices }, register, clientOf),
    authorizePublish: authorizePublish(register, publishGate({ ...options, retained, notices })),
    authorizeSubscribe: subscriptions.authorizeSubscribe.bind(subscriptions),
    authorizeForward: subscriptions.authorizeForward.bind(subscriptions),
  })
  let port = 0
  const watchGreeting = greetingWatch({ notices, port: () => port })
  const listener = mqttListener((socket) => {
    subscriptions.watch(aedes.handle(socket))
    watchGreeting(socket)
  })
  let sessions: Sessions | undefined

  aedes.on('clientReady', (client) => {
    register.ready(client)
    sessions?.back(client.id)
  })
  aedes.on('clientDisconnect', left)
  aedes.on('keepaliveTimeout', (client) => {
    register.end(client, 'MQTT_KEEP_ALIVE_TIMEOUT')
  })
  aedes.on('clientError', (client, error) => {
    // An error of the socket has a code; one without is the client's.
    if ((error as NodeJS.ErrnoException).code === undefined) register.end(client, 'CLIENT_ERROR')
  })

  function left(client: Client): void {
    register.left(client)
    // One that was cut off by a newer connection of its id leaves after that one has come.
    if (!client.clean && !clientOf(client.id)) sessions?.away(client.id)
  }

  function clientOf(clientId: string): Client | undefined {
    return clientsOf(aedes)[clientId]
  }

  async function publish(
    topic: string,
    payload: Buffer,
    settings: { readonly qos?: 0 | 1; readonly retain?: boolean } = {},
  ): Promise<boolean> {
    const { qos = 0, retain = false } = settings
    if (retain) retained.store(topic, payload, qos)
    const traceId = randomUUID()
    const accepted = options.rules.process({ topic, payload, timestampMs: clock.now(), traceId })
    await distribute(aedes, { cmd: 'publish', topic, payload, qos, retain, dup: false })
    return (await accepted) ?? true
  }

  return {
    retained,
    async publish(topic, payload, settings) {
      if (!(await publish(topic, payload, settings))) throw lost(topic)
    },
    port: () => port,
    disconnect(clientId, { preventWill }) {
      const client = clientOf(clientId)
      if (!client) return false
      register.end(client, 'API_INITIATED_DISCONNECT')
      if (preventWill) (client as { will?: unknown }).will = null
      client.close()
      return true
    },
    async start() {
      await aedes.listen()
      sessions = iotSessions(aedes, clock)
      port = await listener.start(options.port)
    },
    async stop() {
      for (const client of Object.values(clientsOf(aedes))) {
        if (client) register.end(client, 'SERVER_INITIATED_DISCONNECT')
      }
      await closed(aedes)
      sessions?.stop()
      await listener.stop()
    },
  }
}

/** What the data plane answers instead of an acknowledgement: no rule could keep the message. */
export function lost(topic: string): AwsError {
  return new AwsError('InternalFailureException', `The message on ${topic} could not be kept.`, {
    status: 500,
  })
}

type PreConnect = NonNullable<ConstructorParameters<typeof Aedes>[0]>['preConnect']
type AuthorizePublish = NonNullable<ConstructorParameters<typeof Aedes>[0]>['authorizePublish']

/** A refusal is answered here, since aedes cannot say 7 (IOT-9). */
function preConnect(
  options: BrokerOptions & { readonly notices: Notices },
  register: ConnectionRegister,
  clientOf: (clientId: string) => Client | undefined,
): NonNullable<PreConnect> {
  const admit = admission(options)
  return (client: Client, packet: ConnectPacket, callback) => {
    admit(packet, (outcome) => {
      if (client.conn.destroyed) return
      if ('dropped' in outcome) {
        client.conn.destroy()
        callback(new Error('dropped on purpose'), false)
        return
      }
      if ('refusal' in outcome) {
        client.conn.end(Buffer.from([CONNACK, 2, 0, outcome.refusal]))
        callback(new Error(outcome.why), false)
        return
      }
      const duplicate = clientOf(packet.clientId)
      if (duplicate) register.end(duplicate, 'DUPLICATE_CLIENTID')
      register.open(client, packet.clientId, outcome.identity)
      callback(null, true)
    })
  }
}

function authorizePublish(
  register: ConnectionRegister,
  gate: ReturnType<typeof publishGate>,
): NonNullable<AuthorizePublish> {
  return (client, packet, callback) => {
    const connection = client && register.of(client)
    if (connection) gate(packet, connection, callback)
    else callback(new Error('only a connected client publishes'))
  }
}

/** aedes keeps its clients by id and leaves that out of its types. */
function clientsOf(aedes: Aedes): Readonly<Record<string, Client | undefined>> {
  return (aedes as unknown as { clients: Readonly<Record<string, Client | undefined>> }).clients
}

function distribute(aedes: Aedes, packet: PublishPacket): Promise<void> {
  return new Promise((resolve, reject) => {
    aedes.publish(packet, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

function closed(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => {
    aedes.close(() => {
      resolve()
    })
  })
}
