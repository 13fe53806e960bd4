import type { DeviceTopic } from '../../protocol/index.ts'
import type { Audience } from '../fanout/ports.ts'
import { maySee } from '../fanout/entitlement.ts'

/** Connections that are sent the device's readings at `nowMs` (epoch ms), each once, whatever it has subscribed. */
export function countSubscribers(topic: DeviceTopic, audience: Audience, nowMs: number): number {
  const watching = audience.rowsFor(topic).filter((row) => maySee({ row, topic }, audience, nowMs))
  return new Set(watching.map((row) => row.connectionId)).size
}
