import type { DeviceTopic, Presence } from '../../protocol/index.ts'
import { applyPresence, unknownHead, type DeviceHead } from '../history/device-head.ts'
import { laneOf, type Lane } from '../history/lanes.ts'
import type { HistoryWriter } from '../history/ports.ts'
import type { PresenceEvent } from '../telemetry/decode-record.ts'
import { runPool } from '../run-pool.ts'

/** A device's last state in a batch. */
export type KeptPresence = Presence & { readonly topic: DeviceTopic }

const LOOKUPS_AT_ONCE = 16

/**
 * Puts presence into the heads of the clients' devices: one look-up per client, one read and one write per lane, whatever the number of
 * events. Returns what changed, each device's last state only. A client that never sent telemetry has no device.
 */
export async function keepPresence(
  shardId: string,
  events: readonly PresenceEvent[],
  { history }: { readonly history: HistoryWriter },
): Promise<readonly KeptPresence[]> {
  const devicesOf = new Map<string, readonly DeviceTopic[]>()
  const clients = [...new Set(events.map((event) => event.clientId))]
  await runPool(clients, LOOKUPS_AT_ONCE, async (clientId) => {
    devicesOf.set(clientId, await history.devicesOf(clientId))
  })
  const lanes = [...new Set([...devicesOf.values()].flat().map(laneOf))]
  if (lanes.length === 0) return []
  const known = await history.headsOf(shardId, lanes)
  const changed = new Map<Lane, Map<DeviceTopic, DeviceHead>>()
  const last = new Map<DeviceTopic, PresenceEvent>()
  for (const event of events) {
    for (const topic of devicesOf.get(event.clientId) ?? []) {
      const lane = laneOf(topic)
      const heads = changed.get(lane) ?? new Map(known.get(lane))
      const head = applyPresence(heads.get(topic) ?? unknownHead(event.clientId), event)
      if (!head) continue
      changed.set(lane, heads.set(topic, head))
      last.set(topic, event)
    }
  }
  if (changed.size > 0) await history.writeHeads(shardId, changed)
  return [...last].map(([topic, event]) => presenceOf(topic, event))
}

function presenceOf(topic: DeviceTopic, { online, atMs, reason }: PresenceEvent): KeptPresence {
  return { type: 'presence', topic, online, at: atMs, ...(reason === undefined ? {} : { reason }) }
}
