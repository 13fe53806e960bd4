import { telemetryTopic } from '@gaugeline/backend/protocol'
import mqtt, { type MqttClient } from 'mqtt'

/** An independent MQTT client, as a person's own device or `mosquitto_pub` would be: no user name, any client id. */
export async function connectMqtt(url: string): Promise<MqttClient> {
  return mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 })
}

/** Publishes one reading with QoS 1; resolves when the broker has acknowledged it. */
export async function publishReading(
  client: MqttClient,
  topic: string,
  payload: unknown,
): Promise<void> {
  const [site = '', device = ''] = topic.split('/')
  await client.publishAsync(telemetryTopic(site, device), JSON.stringify(payload), { qos: 1 })
}

/** IoT Core takes 100 publishes a second from a connection and throws away the rest without an answer (IOT-6). */
const paceMs = 12

/** Publishes one reading after another, each acknowledged, below the broker's quota. */
export async function publishReadings(
  client: MqttClient,
  topic: string,
  payloads: readonly unknown[],
): Promise<void> {
  for (const payload of payloads) {
    await publishReading(client, topic, payload)
    await new Promise((resolve) => setTimeout(resolve, paceMs))
  }
}
