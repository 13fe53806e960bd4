import { type Block, encodePosition, type Position } from '@gaugeline/backend/protocol'

/** The position of reading number `n` in a test's stream. */
export const at = (n: number): Position => encodePosition(1_700_000_000_000 + n * 1_000, String(n))

/** A block of the readings `from`…`to` of one device that counts, one a second; value = counter. */
export function block(from: number, to = from, change: Partial<Block> = {}): Block {
  const n = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  return {
    topic: 'plant-1/pump-1',
    sid: 1_000,
    prev: at(from - 1),
    position: at(to),
    boot: 'b1',
    n,
    ts: n.map((k) => 1_700_000_000_000 + k * 1_000),
    metrics: { temperature: n },
    ...change,
  }
}
