/** An MQTT client that has published for a device, and its own presence. */
export interface Publisher {
  /** Epoch ms at which its newest reading arrived; 0 while none is known of here. */
  readonly heardMs: number
  readonly online?: boolean
  /** Epoch ms of the broker's event, and the session's version in it. */
  readonly at?: number
  readonly session?: number
  /** Why it left, in IoT Core's words. */
  readonly reason?: string
}

/** Client id → what is known of it. */
export type Publishers = Readonly<Record<string, Publisher>>

/** Whether a device is there, as far as its publishers' presence tells. */
export interface DevicePresence {
  readonly online: boolean
  /** Epoch ms. */
  readonly at: number
  readonly reason?: string
}

/** A gateway, the device itself, somebody's tool: of more the newest are remembered. */
const REMEMBERED = 4
/** The broker's time of an event and the stream's of a reading may differ by so much. */
const SLACK_MS = 2_000

/** A reading of this client has arrived. What came over HTTP has no client, and no presence. */
export function heard(publishers: Publishers, clientId: string, atMs: number): Publishers {
  if (clientId === '') return publishers
  const known = ownOf(publishers, clientId)
  return newest({
    ...publishers,
    [clientId]: { ...known, heardMs: Math.max(atMs, known?.heardMs ?? 0) },
  })
}

/**
 * Applies a presence event; undefined when this is known better (a late `disconnected` of an earlier session). One that was applied before
 * gives the same again: a batch that comes again tells it again, since it may have failed before anybody was told.
 */
export function withPresence(
  publishers: Publishers,
  event: {
    readonly clientId: string
    readonly online: boolean
    readonly atMs: number
    readonly version: number
    readonly reason?: string
  },
): Publishers | undefined {
  const known = ownOf(publishers, event.clientId)
  const knownAt = known?.at ?? -1
  if (event.atMs < knownAt) return undefined
  if (!event.online && event.version < (known?.session ?? 0)) return undefined
  const next: Publisher = {
    heardMs: known?.heardMs ?? 0,
    online: event.online,
    at: event.atMs,
    session: event.version,
    ...(event.online || event.reason === undefined ? {} : { reason: event.reason }),
  }
  return newest({ ...publishers, [event.clientId]: next })
}

/**
 * Online while one of those who publish for the device is. It is offline when the last of them has left: a tool that sent one reading and
 * went away takes nobody with it. One that was heard and has no presence yet (it connected before it was known) is there, so that nothing
 * can be said when all others left.
 */
export function presenceOf(publishers: Publishers): DevicePresence | undefined {
  const all = Object.values(publishers)
  const told = all.filter((one) => one.online !== undefined)
  const online = told.filter((one) => one.online === true)
  if (online.length > 0) return { online: true, at: Math.max(...online.map((one) => one.at ?? 0)) }
  const isThere = (one: Publisher): boolean =>
    one.online === undefined || one.heardMs > (one.at ?? 0) + SLACK_MS
  if (told.length === 0 || all.some(isThere)) return undefined
  const last = told.reduce((a, b) => ((a.at ?? 0) >= (b.at ?? 0) ? a : b))
  return {
    online: false,
    at: last.at ?? 0,
    ...(last.reason === undefined ? {} : { reason: last.reason }),
  }
}

/** What two shards know of the same publishers. */
export function mergePublishers(a: Publishers, b: Publishers): Publishers {
  const merged: Record<string, Publisher> = { ...a }
  for (const [clientId, other] of Object.entries(b)) {
    const known = ownOf(a, clientId)
    const newer = (known?.at ?? -1) > (other.at ?? -1) ? known : other
    merged[clientId] = {
      ...(newer ?? other),
      heardMs: Math.max(known?.heardMs ?? 0, other.heardMs),
    }
  }
  return newest(merged)
}

function newest(publishers: Publishers): Publishers {
  const all = Object.entries(publishers)
  if (all.length <= REMEMBERED) return publishers
  const lastOf = ({ heardMs, at = 0 }: Publisher): number => Math.max(heardMs, at)
  return Object.fromEntries(all.sort(([, a], [, b]) => lastOf(b) - lastOf(a)).slice(0, REMEMBERED))
}

function ownOf(publishers: Publishers, clientId: string): Publisher | undefined {
  return Object.hasOwn(publishers, clientId) ? publishers[clientId] : undefined
}
