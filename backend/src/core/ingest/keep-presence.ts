import type { DeviceTopic, Presence } from '../../protocol/index.ts'
import { mergeHeads, unknownHead, type DeviceHead } from '../history/device-head.ts'
import { laneOf, type Lane } from '../history/lanes.ts'
import type { HistoryReader, HistoryWriter } from '../history/ports.ts'
import { presenceOf, withPresence, type DevicePresence } from '../history/publishers.ts'
import type { PresenceEvent } from '../telemetry/decode-record.ts'
import { runPool } from '../run-pool.ts'

/** A device's last state in a batch. */
export type KeptPresence = Presence & { readonly topic: DeviceTopic }

const LOOKUPS_AT_ONCE = 16

/**
 * Puts presence into the heads of the clients' devices: one look-up per client, one read of this shard's heads and one of all shards', one
 * write per lane, whatever the number of events. Returns what changed, each device's last state only. A client that never sent telemetry
 * has no device, and one of several that publish for a device takes it offline only when it is the last to leave.
 */
export async function keepPresence(
  shardId: string,
  events: readonly PresenceEvent[],
  { history }: { readonly history: HistoryWriter & Pick<HistoryReader, 'heads'> },
): Promise<readonly KeptPresence[]> {
  const devicesOf = new Map<string, readonly DeviceTopic[]>()
  const clients = [...new Set(events.map((event) => event.clientId))]
  await runPool(clients, LOOKUPS_AT_ONCE, async (clientId) => {
    devicesOf.set(clientId, await history.devicesOf(clientId))
  })
  const topics = [...new Set([...devicesOf.values()].flat())]
  if (topics.length === 0) return []
  const known = await history.headsOf(shardId, [...new Set(topics.map(laneOf))])
  // Who publishes may be known to another shard: telemetry goes by device, presence by client.
  const everywhere = await history.heads(topics)
  const changed = new Map<Lane, Map<DeviceTopic, DeviceHead>>()
  const last = new Map<DeviceTopic, DevicePresence>()
  for (const event of events) {
    for (const topic of devicesOf.get(event.clientId) ?? []) {
      const lane = laneOf(topic)
      const heads = changed.get(lane) ?? new Map(known.get(lane))
      const head = heads.get(topic) ?? unknownHead()
      const publishers = withPresence(head.publishers, event)
      if (!publishers) continue
      const next = { ...head, publishers }
      changed.set(lane, heads.set(topic, next))
      const presence = presenceIn(next, everywhere.get(topic))
      if (presence) last.set(topic, presence)
    }
  }
  if (changed.size > 0) await history.writeHeads(shardId, changed)
  return [...last].map(([topic, presence]) => ({ type: 'presence', topic, ...presence }))
}

/** Of a device, by what this shard and all others know. */
function presenceIn(head: DeviceHead, other: DeviceHead | undefined): DevicePresence | undefined {
  return presenceOf((other ? mergeHeads(other, head) : head).publishers)
}
