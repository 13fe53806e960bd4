import type { Socket } from 'node:net'
import type { Clock } from '../../platform/types.ts'

/** What a client does not speak when it is not MQTT 3.1.1. */
type Foreign = 'mqtt5' | 'http' | 'tls' | 'other'

const CONNECT = 0x10
const TLS_HANDSHAKE = 0x16
const MQTT_5 = 5
/** As often as that, a line of a kind: whoever tries again and again shall not fill the terminal. */
const QUIET_MS = 60_000

const words: Readonly<Record<Foreign, string>> = {
  http: 'that is not MQTT (looks like HTTP); MQTT over WebSocket is not offered here',
  tls: 'that is not MQTT (looks like TLS); there is no TLS on one machine',
  mqtt5: 'of MQTT 5, which only AWS speaks; set the client to 3.1.1 (protocol version 4)',
  other: 'that is not MQTT',
}

/** Says why the broker is about to close a connection that begins with something else than a CONNECT of MQTT 3.1.1 (reliability M37, M39). */
export function greetingWatch(options: {
  readonly clock: Clock
  /** One line for the person at the terminal. */
  readonly tell: (line: string) => void
  readonly port: () => number
}): (socket: Socket) => void {
  const { clock, tell } = options
  const quietUntil = new Map<Foreign, number>()
  return (socket) => {
    // Only looks on: whoever reads the socket gets these bytes too.
    socket.once('data', (first: Buffer) => {
      const foreign = foreignGreeting(first)
      if (!foreign || clock.monotonic() < (quietUntil.get(foreign) ?? 0)) return
      quietUntil.set(foreign, clock.monotonic() + QUIET_MS)
      tell(`A connection was closed ${words[foreign]}. Use mqtt://127.0.0.1:${options.port()}.`)
    })
  }
}

function foreignGreeting(first: Buffer): Foreign | undefined {
  if (first[0] === CONNECT) return levelOf(first) === MQTT_5 ? 'mqtt5' : undefined
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
