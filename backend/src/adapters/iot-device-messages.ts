import {
  InvalidRequestException,
  IoTDataPlaneClient,
  MethodNotAllowedException,
  PublishCommand,
  RequestEntityTooLargeException,
  UnauthorizedException,
} from '@aws-sdk/client-iot-data-plane'
import type { DeviceMessages } from '../core/commands/ports.ts'
import type { DemandMessages } from '../core/subscriber-count/ports.ts'
import type { Log } from '../core/telemetry-sink.ts'
import { demandTopic } from '../protocol/index.ts'

const DEADLINE_MS = 3_000
/** What IoT Core says when it has not taken a message and never will (IOT-65, IOT-67). */
const REFUSALS = [
  InvalidRequestException,
  MethodNotAllowedException,
  RequestEntityTooLargeException,
  UnauthorizedException,
] as const

/** Publishes to devices with QoS 1 through the IoT data plane (IOT-65). Tried three times within the deadline. */
export function iotDeviceMessages(
  log: Log,
  client = new IoTDataPlaneClient({ maxAttempts: 3 }),
): DeviceMessages {
  return {
    async publish(topic, message) {
      const payload = encode(message)
      const abortSignal = AbortSignal.timeout(DEADLINE_MS)
      try {
        await client.send(new PublishCommand({ topic, qos: 1, payload }), { abortSignal })
        return 'published'
      } catch (error) {
        if (REFUSALS.some((refusal) => error instanceof refusal)) {
          log.error('publish refused', { topic }, error)
          return 'refused'
        }
        log.warn('publish without an answer', { topic }, error)
        return 'unknown'
      }
    },
  }
}

/**
 * Tells devices how many watch them: retained, so that a device learns it whenever it connects and nothing has to be remembered for it
 * (IOT-12). One attempt: the next batch is another one.
 */
export function iotDemandMessages(
  client = new IoTDataPlaneClient({ maxAttempts: 1 }),
): DemandMessages {
  return {
    async publish(topic, message, abortSignal) {
      const [site = '', device = ''] = topic.split('/')
      const publish = new PublishCommand({
        topic: demandTopic(site, device),
        qos: 1,
        retain: true,
        payload: encode(message),
      })
      await client.send(publish, { abortSignal })
    },
  }
}

function encode(message: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message))
}
