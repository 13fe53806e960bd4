import { randomUUID } from 'node:crypto'
import type { PublishPacket } from 'aedes'
import type { Clock, Fault, Faults } from '../../platform/types.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import { limits, topicProblem } from './limits.ts'
import { shown } from './notices.ts'
import type { Notices } from './notices.ts'
import type { DisconnectReason } from './presence.ts'
import type { RetainedMessages } from './retained.ts'
import type { RulesEngine } from './rules.ts'
import type { RuleMessage } from './sql/message.ts'
import { parseBasicIngest } from './topics.ts'

/** Nobody can subscribe here: where a packet goes that subscribers must not see. */
const NOWHERE = '$gaugeline/nowhere'

type Done = (error?: Error | null) => void

interface Refusal {
  readonly metric: string
  readonly reason: DisconnectReason
  readonly why: string
}

/**
 * What happens to a PUBLISH before aedes acknowledges and distributes it: limits, policy, faults, rules. Calling back with an error
 * closes the connection without an acknowledgement.
 */
export function publishGate(options: {
  readonly clock: Clock
  readonly faults: Faults
  readonly counters: Counters
  readonly rules: RulesEngine
  readonly retained: RetainedMessages
  readonly notices: Notices
}): (packet: PublishPacket, connection: Connection, done: Done) => void {
  const { clock, faults, counters, notices } = options
  const count = (name: string): void => {
    counters.count(`PublishIn.${name}`, { Protocol: 'MQTT' })
  }
  return (packet, connection, done) => {
    const refusal = refusalOf(packet, connection)
    if (refusal) {
      count(refusal.metric)
      connection.reason ??= refusal.reason
      notices(
        `publish ${refusal.reason}`,
        `MQTT client ${nameOf(connection)} was disconnected, as IoT Core does: ${refusal.why}.`,
      )
      done(new Error(refusal.why))
    } else if (!hasCapacity(packet, connection)) {
      // IOT-6: what is above the quota is thrown away; nobody is told but the metric.
      count('Throttle')
      notices(
        'publish throttle',
        `Publishes of MQTT client ${nameOf(connection)} are thrown away without an answer, as IoT Core does: more than ${limits.publishesPerSecond} a second, or ${limits.publishBytesPerSecond / 1024} KB, on one connection. Send fewer, put several readings into a list, or use more connections.`,
      )
      discard(packet, done)
    } else if (packet.qos === 2) {
      // IOT-1: there is no QoS 2; the packet gets no answer.
      notices(
        'publish qos 2',
        `A publish of MQTT client ${nameOf(connection)} to ${shown(packet.topic)} gets no answer, as on IoT Core: it asks for QoS 2. Use QoS 0 or 1.`,
      )
      count('ClientError')
      discard(packet, done)
    } else {
      const fault = faults.at('iot.publish', packet.topic)
      if (fault) withFault(fault, packet, { connection, done })
      else accept(packet, connection, done)
    }
  }

  function withFault(
    fault: Fault,
    packet: PublishPacket,
    { connection, done }: { readonly connection: Connection; readonly done: Done },
  ): void {
    if (fault.kind === 'delay')
      clock.after(fault.ms, () => {
        accept(packet, connection, done)
      })
    else if (fault.kind === 'duplicate') {
      const { topic, payload } = packet
      for (let extra = 0; extra < fault.times; extra++)
        void toRules({ ...packet, topic, payload }, connection)
      accept(packet, connection, done)
    } else if (fault.kind === 'error') {
      count('ServerError')
      done(new Error('fault on purpose'))
    } else {
      if (fault.kind === 'throttle') count('Throttle')
      discard(packet, done)
    }
  }

  function accept(packet: PublishPacket, connection: Connection, done: Done): void {
    count('Success')
    const accepted = toRules(packet, connection)
    if (!accepted && packet.topic.startsWith('dt/')) {
      notices(
        'publish no rule',
        `A publish of MQTT client ${nameOf(connection)} to ${shown(packet.topic)} reaches no topic rule, so nothing keeps it. Readings go to dt/{site}/{device}/telemetry.`,
      )
    }
    if (parseBasicIngest(packet.topic)) hideFromSubscribers(packet)
    else if (packet.retain)
      options.retained.store(packet.topic, bytesOf(packet), packet.qos === 1 ? 1 : 0)
    if (packet.qos === 0 || !accepted) done()
    else void accepted.then((isKept) => answer(isKept, connection, done))
  }

  /**
   * QoS 1: the acknowledgement waits for the rules, so that an acknowledged reading is in the stream or in the error queue. What is in neither
   * is not acknowledged, and the connection ends, so that the device sends it again. (AWS acknowledges it and counts ErrorActionFailure.)
   */
  function answer(isKept: boolean, connection: Connection, done: Done): void {
    if (isKept) {
      done()
      return
    }
    count('ServerError')
    connection.reason ??= 'SERVER_INITIATED_DISCONNECT'
    done(new Error('no rule could keep the message'))
  }

  function toRules(packet: PublishPacket, connection: Connection): Promise<boolean> | undefined {
    const ingest = parseBasicIngest(packet.topic)
    const { clientId } = connection.presence
    const { principal } = connection.identity
    const message: RuleMessage = {
      topic: ingest?.topic ?? packet.topic,
      payload: bytesOf(packet),
      timestampMs: clock.now(),
      clientId,
      traceId: randomUUID(),
      ...(principal === undefined ? {} : { principal }),
    }
    return ingest
      ? options.rules.processNamed(ingest.ruleName, message)
      : options.rules.process(message)
  }
}

const nameOf = ({ presence }: Connection): string => shown(presence.clientId)

function refusalOf(packet: PublishPacket, connection: Connection): Refusal | undefined {
  const { topic } = packet
  const ingest = parseBasicIngest(topic)
  const problem = topicProblem(ingest?.topic ?? topic)
  if (problem !== undefined) return { metric: 'ClientError', reason: 'CLIENT_ERROR', why: problem }
  if (bytesOf(packet).length > limits.payloadBytes) {
    return {
      metric: 'ClientError',
      reason: 'CLIENT_ERROR',
      why: 'the payload is larger than 128 KB',
    }
  }
  // IOT-17: of the reserved topics only Basic Ingest is offered here.
  if (topic.startsWith('$') && !ingest) {
    return { metric: 'AuthError', reason: 'AUTH_ERROR', why: `${shown(topic)} is reserved` }
  }
  const { identity } = connection
  const mayRetain = !packet.retain || (!ingest && identity.may('iot:RetainPublish', topic))
  if (identity.may('iot:Publish', topic) && mayRetain) return undefined
  return {
    metric: 'AuthError',
    reason: 'AUTH_ERROR',
    why: `it may not publish ${packet.retain ? 'a retained message ' : ''}to ${shown(topic)}; without a user name that is dt/… and cmd/… (no leading slash), with thing:{site}/{thing} what the template's policy allows`,
  }
}

function hasCapacity(packet: PublishPacket, connection: Connection): boolean {
  return connection.publishes.take() && connection.bytes.take(bytesOf(packet).length)
}

function discard(packet: PublishPacket, done: Done): void {
  packet.qos = 0
  hideFromSubscribers(packet)
  done()
}

function hideFromSubscribers(packet: PublishPacket): void {
  packet.topic = NOWHERE
  packet.retain = false
}

function bytesOf(packet: PublishPacket): Buffer {
  return typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
}
