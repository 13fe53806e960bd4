import type { Clock } from '../core/clock.ts'
import { mergeHeads, type DeviceHead } from '../core/history/device-head.ts'
import { laneOf, type Lane } from '../core/history/lanes.ts'
import {
  DEVICE_FORGOTTEN_MS,
  type HistoryReader,
  type HistoryRow,
  type HistoryWriter,
  type LaneHeads,
  type LateKey,
  type LateRow,
} from '../core/history/ports.ts'
import { arrivalOf, type DeviceTopic, type Position } from '../protocol/index.ts'

export interface MemoryHistory extends HistoryReader, HistoryWriter {
  /** Keys of the rows, by lane. */
  readonly stored: ReadonlyMap<string, HistoryRow>
}

/** History in a Map: passes the same contract suite as the one in DynamoDB. `pageRows`: how many rows a read gives at once. */
export function memoryHistory(options: {
  readonly clock: Clock
  readonly retentionMs?: number
  readonly pageRows?: number
}): MemoryHistory {
  const { clock, retentionMs = 86_400_000, pageRows = 100 } = options
  const stored = new Map<string, HistoryRow>()
  const late = new Map<DeviceTopic, Map<LateKey, LateRow>>()
  const heads = new Map<string, LaneHeads>()
  const shards = new Set<string>()
  /** Client id → topic → epoch ms at which the link is forgotten. */
  const links = new Map<string, Map<DeviceTopic, number>>()
  const isKept = (position: Position): boolean => arrivalOf(position) + retentionMs > clock.now()
  const merged = (lane: Lane): LaneHeads => {
    const all = new Map<DeviceTopic, DeviceHead>()
    for (const shard of shards) {
      for (const [topic, head] of heads.get(`${shard}/${lane}`) ?? []) {
        const known = all.get(topic)
        all.set(topic, known ? mergeHeads(known, head) : head)
      }
    }
    return all
  }
  return {
    stored,
    keptFromMs: () => clock.now() - retentionMs,
    headsOf: (shardId, lanes) =>
      Promise.resolve(
        new Map(lanes.map((lane) => [lane, heads.get(`${shardId}/${lane}`) ?? merged(lane)])),
      ),
    writeRows(rows) {
      for (const row of rows) stored.set(`${row.lane}/${row.key}`, row)
      return Promise.resolve()
    },
    writeLate(rows) {
      for (const row of rows) {
        const { topic } = row.block
        late.set(topic, (late.get(topic) ?? new Map<LateKey, LateRow>()).set(row.key, row))
      }
      return Promise.resolve()
    },
    writeHeads(shardId, ofShard) {
      shards.add(shardId)
      for (const [lane, ofLane] of ofShard) heads.set(`${shardId}/${lane}`, new Map(ofLane))
      return Promise.resolve()
    },
    linkClient(clientId, topic) {
      const ofClient = links.get(clientId) ?? new Map<DeviceTopic, number>()
      links.set(clientId, ofClient.set(topic, clock.now() + DEVICE_FORGOTTEN_MS))
      return Promise.resolve()
    },
    devicesOf: (clientId) =>
      Promise.resolve(
        [...(links.get(clientId) ?? [])]
          .filter(([, expiresMs]) => expiresMs > clock.now())
          .map(([topic]) => topic)
          .sort(),
      ),
    heads(topics) {
      const lanes = new Set(topics === 'all' ? allLanesOf(heads) : topics.map(laneOf))
      const all = new Map([...lanes].flatMap((lane) => [...merged(lane)]))
      return Promise.resolve(
        topics === 'all' ? all : new Map([...all].filter(([topic]) => topics.includes(topic))),
      )
    },
    rows(topic, from, to) {
      const rows = [...stored.values()]
        .filter((row) => row.lane === laneOf(topic) && row.key >= from && row.key <= to)
        .filter((row) => isKept(row.key))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
      const page = rows.slice(0, pageRows)
      const last = page.at(-1)
      return Promise.resolve({
        blocks: page.flatMap((row) => row.blocks).filter((block) => block.topic === topic),
        next: rows.length > pageRows && last ? `${last.key}-` : undefined,
      })
    },
    late(topic, from, to) {
      const rows = [...(late.get(topic)?.values() ?? [])]
        .filter(({ key, block }) => key >= from && key < to && isKept(block.positions[0] ?? ''))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
      const last = rows[pageRows - 1]
      const isCut = rows.length > pageRows && last
      return Promise.resolve({
        rows: rows.slice(0, pageRows),
        next: isCut ? `${last.key}-` : undefined,
      })
    },
  }
}

function allLanesOf(heads: ReadonlyMap<string, unknown>): readonly Lane[] {
  return [...heads.keys()].map((key) => key.slice(key.lastIndexOf('/') + 1))
}
