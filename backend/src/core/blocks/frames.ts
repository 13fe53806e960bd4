import { limits, type Block } from '../../protocol/index.ts'
import { sliceBlock, wireBlock, type DeviceBlock } from './device-block.ts'

/** A block's JSON without its sid, shared by everybody who gets the same. */
export interface BlockBody {
  /** From the second character on: `"topic":…}`. */
  readonly json: string
  readonly bytes: number
  readonly readings: number
  /** Epoch ms at which the broker took each of its readings; empty for what was read from the history. */
  readonly brokerMs: readonly number[]
}

/** A message for one connection. */
export interface Frame {
  readonly message: string
  readonly entries: readonly Entry[]
}

/** A block on its way to a subscription. */
export interface Entry {
  readonly sid: number
  readonly topic: string
  readonly body: BlockBody
}

const ENVELOPE_BYTES = '{"type":"data","blocks":[]}'.length
const SID_BYTES = '{"sid":1000000,,'.length
/** `,"hops":[…],"thinned":true`, added to a block when it is sent. */
const HOPS_BYTES = 128
/** A block alone always fits a frame. */
const BLOCK_BYTES = limits.frameBytes - ENVELOPE_BYTES - SID_BYTES

/** Serializes a block once. */
export function serializeBlock(block: Block, brokerMs: readonly number[] = []): BlockBody {
  const json = JSON.stringify(block).slice(1)
  const bytes = Buffer.byteLength(json)
  return { json, bytes, readings: block.ts.length, brokerMs }
}

/** The block in parts that follow each other and each fit a frame, whatever view is taken of them. */
export function splitToFit(block: DeviceBlock): readonly DeviceBlock[] {
  const rows = block.ts.length
  if (rows <= 1 || mostBytes(block) <= BLOCK_BYTES) return [block]
  const bytes = Buffer.byteLength(JSON.stringify(wireBlock(block))) + HOPS_BYTES
  if (bytes <= BLOCK_BYTES) return [block]
  const half = Math.floor(rows / 2)
  const parts = [sliceBlock(block, 0, half), sliceBlock(block, half, rows)]
  return parts.flatMap((part) => (part ? splitToFit(part) : []))
}

/** The blocks of one connection in as few frames as fit `limits.frameBytes`, in order. */
export function packFrames(all: readonly Entry[]): readonly Frame[] {
  const frames: Frame[] = []
  let entries: Entry[] = []
  let bytes = ENVELOPE_BYTES
  const close = (): void => {
    if (entries.length === 0) return
    const blocks = entries.map(({ sid, body }) => `{"sid":${sid},${body.json}`)
    frames.push({ message: `{"type":"data","blocks":[${blocks.join(',')}]}`, entries })
    entries = []
    bytes = ENVELOPE_BYTES
  }
  for (const entry of all) {
    if (bytes + entry.body.bytes + SID_BYTES > limits.frameBytes) close()
    entries.push(entry)
    bytes += entry.body.bytes + SID_BYTES
  }
  close()
  return frames
}

/** Never less than the block's JSON has, without making it: a number has at most 24 characters, a quality 13, an id 5. */
function mostBytes(block: DeviceBlock): number {
  const names = Object.keys(block.metrics)
  const nameBytes = names.reduce((sum, name) => sum + 6 * name.length + 6, 0)
  return 1_024 + nameBytes + block.ts.length * (25 * (names.length + 3) + 21)
}
