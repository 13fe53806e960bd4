import type { Socket } from 'node:net'
import type { Notices } from './notices.ts'

/** What a client does not speak when it is not MQTT 3.1.1. */
type Foreign = 'mqtt5' | 'mqtt31' | 'http' | 'tls' | 'other'

const CONNECT = 0x10
const TLS_HANDSHAKE = 0x16
const MQTT_31 = 3
const MQTT_5 = 5

const words: Readonly<Record<Foreign, string>> = {
  http: 'that is not MQTT (looks like HTTP); MQTT over WebSocket is not offered here',
  tls: 'that is not MQTT (looks like TLS); there is no TLS on one machine',
  mqtt5: 'of MQTT 5, which only AWS speaks; set the client to 3.1.1 (protocol version 4)',
  mqtt31:
    'of MQTT 3.1, which IoT Core does not speak; set the client to 3.1.1 (protocol version 4)',
  other: 'that is not MQTT',
}

/** Says why the broker is about to close a connection that begins with something else than a CONNECT of MQTT 3.1.1 (PAYLOAD-37, PAYLOAD-39). */
export function greetingWatch(options: {
  readonly notices: Notices
  readonly port: () => number
}): (socket: Socket) => void {
  return (socket) => {
    // Only looks on: whoever reads the socket gets these bytes too.
    socket.once('data', (first: Buffer) => {
      const foreign = foreignGreeting(first)
      if (!foreign) return
      const line = `A connection was closed ${words[foreign]}. Use mqtt://127.0.0.1:${options.port()}.`
      options.notices(`greeting ${foreign}`, line)
    })
  }
}

const foreignLevels: ReadonlyMap<number | undefined, Foreign> = new Map([
  [MQTT_31, 'mqtt31'],
  [MQTT_5, 'mqtt5'],
])

function foreignGreeting(first: Buffer): Foreign | undefined {
  if (first[0] === CONNECT) return foreignLevels.get(levelOf(first))
  if (first[0] === TLS_HANDSHAKE) return 'tls'
  return /^[A-Z]{3,7} \S+ HTTP\//.test(first.toString('latin1')) ? 'http' : 'other'
}

/** The protocol level of a CONNECT: behind the packet's length (one to four bytes) and the protocol's name. */
function levelOf(connect: Buffer): number | undefined {
  let at = 1
  while (at < 4 && ((connect[at] ?? 0) & 0x80) !== 0) at++
  const nameAt = at + 1
  const nameBytes = ((connect[nameAt] ?? 0) << 8) | (connect[nameAt + 1] ?? 0)
  return connect[nameAt + 2 + nameBytes]
}
