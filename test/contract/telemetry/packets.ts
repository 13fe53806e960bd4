import mqttPacket from 'mqtt-packet'
import { TOPIC, type TableRow } from './row.ts'

/** A PUBLISH of what a row says. By hand: a library refuses to write a wildcard. */
export function publishPacket(
  row: Pick<TableRow, 'topic' | 'qos' | 'retain'>,
  payload: unknown,
): Buffer {
  const { topic = TOPIC, qos = 1, retain } = row
  const name = Buffer.from(topic)
  const body = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 255]),
    name,
    Buffer.from([0, 1]),
    bytesOf(payload ?? { a: 1 }),
  ])
  const length: number[] = []
  for (let rest = body.length; ; rest >>= 7) {
    length.push((rest & 127) | (rest > 127 ? 128 : 0))
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from([0x30 | (qos << 1) | (retain ? 1 : 0), ...length]), body])
}

export function connectPacket(protocolVersion: 4 | 5, clientId: string): Buffer {
  return mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion,
    clean: true,
    clientId,
    keepalive: 60,
  })
}

/** Text and bytes as they are, everything else as JSON. */
export function bytesOf(payload: unknown): Buffer {
  if (payload instanceof Uint8Array) return Buffer.from(payload)
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
}
