import type { Clock } from '../../platform/types.ts'

/** Why a connection ended (IOT-19). */
export type DisconnectReason =
  | 'AUTH_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CLIENT_ERROR'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'FORBIDDEN_ACCESS'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_INITIATED_DISCONNECT'
  | 'THROTTLED'
  | 'API_INITIATED_DISCONNECT'

export interface Presence {
  readonly clientId: string
  readonly sessionIdentifier: string
  readonly principalIdentifier: string
  readonly ipAddress: string
  readonly versionNumber: number
}

export type LifecycleEvent =
  | { readonly type: 'connected'; readonly presence: Presence }
  | {
      readonly type: 'disconnected'
      readonly presence: Presence
      readonly reason: DisconnectReason
    }

/** Topic and payload of a lifecycle event (IOT-18); undefined for a client id that gets none (IOT-4). */
export function lifecycleMessage(
  event: LifecycleEvent,
  timestampMs: number,
): { readonly topic: string; readonly payload: Buffer } | undefined {
  const { clientId, sessionIdentifier, principalIdentifier, ipAddress, versionNumber } =
    event.presence
  if (/[#+]/.test(clientId)) return undefined
  const common = {
    clientId,
    timestamp: timestampMs,
    eventType: event.type,
    sessionIdentifier,
    principalIdentifier,
  }
  const body =
    event.type === 'connected'
      ? { ...common, ipAddress, versionNumber }
      : {
          ...common,
          versionNumber,
          clientInitiatedDisconnect: event.reason === 'CLIENT_INITIATED_DISCONNECT',
          disconnectReason: event.reason,
        }
  return {
    topic: `$aws/events/presence/${event.type}/${clientId}`,
    payload: Buffer.from(JSON.stringify(body)),
  }
}

const RESET_AFTER_MS = 3_600_000

/** Version numbers per client id: rising with each connection, back at 0 after an hour offline (IOT-18). */
export interface Versions {
  next(clientId: string): number
  left(clientId: string): void
}

export function connectionVersions(clock: Clock): Versions {
  const known = new Map<string, { version: number; leftMs?: number }>()
  return {
    next(clientId) {
      const last = known.get(clientId)
      const isStale = last?.leftMs !== undefined && clock.monotonic() - last.leftMs > RESET_AFTER_MS
      const version = !last || isStale ? 0 : last.version + 1
      known.set(clientId, { version })
      return version
    },
    left(clientId) {
      const last = known.get(clientId)
      if (last) last.leftMs = clock.monotonic()
      if (known.size > 10_000) forgetStale()
    },
  }
  function forgetStale(): void {
    for (const [clientId, { leftMs }] of known) {
      if (leftMs !== undefined && clock.monotonic() - leftMs > RESET_AFTER_MS)
        known.delete(clientId)
    }
  }
}
