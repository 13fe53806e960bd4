import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import type { DeviceMessages } from '../core/commands/ports.ts'

const DEADLINE_MS = 3_000

/** Publishes to devices with QoS 1 through the IoT data plane (aws-behaviour I65). Tried three times within the deadline. */
export function iotDeviceMessages(
  client = new IoTDataPlaneClient({ maxAttempts: 3 }),
): DeviceMessages {
  return {
    async publish(topic, message) {
      const payload = new TextEncoder().encode(JSON.stringify(message))
      const abortSignal = AbortSignal.timeout(DEADLINE_MS)
      try {
        await client.send(new PublishCommand({ topic, qos: 1, payload }), { abortSignal })
        return 'published'
      } catch {
        return 'failed'
      }
    },
  }
}
