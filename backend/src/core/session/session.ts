import {
  isDeviceTopic,
  isEntitled,
  limits,
  ProtocolError,
  type ClientMessage,
  type DeviceTopic,
  type Pong,
  type Position,
  type Welcome,
} from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '../connections/ports.ts'

/** The newest position of each of these devices; a device that has never sent is left out. */
export interface Heads {
  positions(topics: readonly DeviceTopic[]): Promise<Readonly<Record<DeviceTopic, Position>>>
}

/** Bumped by every change of any alarm, so that a client sees with its ping that it missed one. */
export interface AlarmsRevision {
  current(): Promise<number>
}

const MAX_POSITIONS = 200

/** The answer to `hello`: who the server takes the client for, and the limits that hold. */
export function welcome(
  message: ClientMessage<'hello'>,
  connection: Connection,
  clock: Clock,
): Welcome {
  return {
    type: 'welcome',
    id: message.id,
    connectionId: connection.connectionId,
    user: connection.user,
    roles: connection.roles,
    devices: connection.devices,
    tokenExpiresAt: connection.expiresAt,
    limits,
    serverTime: clock.now(),
  }
}

/**
 * The answer to `ping`: the newest positions of the devices that the client names, as far as it may see them (the others are left out,
 * whether they exist or not), and when the message came and was answered, for the client's clock.
 * Throws ProtocolError LIMIT_RANGE for more than 200 devices.
 */
export async function pong(
  message: ClientMessage<'ping'>,
  call: { readonly connection: Connection; readonly receivedAtMs: number },
  ports: { readonly heads: Heads; readonly alarms: AlarmsRevision; readonly clock: Clock },
): Promise<Pong> {
  const named = Object.keys(message.positions ?? {})
  if (named.length > MAX_POSITIONS) {
    throw new ProtocolError(
      'LIMIT_RANGE',
      `A ping names at most ${MAX_POSITIONS} devices, this one ${named.length}; split it.`,
    )
  }
  const { devices } = call.connection
  const visible = named.filter(isDeviceTopic).filter((topic) => isEntitled(devices, topic))
  const [heads, alarmsRevision] = await Promise.all([
    visible.length > 0 ? ports.heads.positions(visible) : {},
    ports.alarms.current(),
  ])
  return {
    type: 'pong',
    id: message.id,
    t0: message.t0,
    t1: call.receivedAtMs,
    t2: ports.clock.now(),
    heads,
    alarmsRevision,
  }
}
