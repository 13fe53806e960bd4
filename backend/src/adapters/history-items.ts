import type { DeviceBlock } from '../core/blocks/device-block.ts'
import type { DeviceHead } from '../core/history/device-head.ts'
import type { LaneHeads } from '../core/history/ports.ts'
import {
  arrivalOf,
  encodePosition,
  decodePosition,
  type DeviceTopic,
  type Position,
} from '../protocol/index.ts'

/** A block without its topic, positions packed: what stands in an item as JSON. */
interface PackedBlock {
  readonly p: Position | null
  readonly at: string
  readonly b?: string
  readonly n?: DeviceBlock['n']
  readonly t: readonly number[]
  readonly d?: NonNullable<DeviceBlock['deviceTs']>
  readonly m: DeviceBlock['metrics']
  readonly q?: DeviceBlock['quality']
}

/** The blocks of one device in one row, as JSON. Numbers beside positions are most of a row: positions share what they have in common. */
export function packBlocks(blocks: readonly DeviceBlock[]): string {
  return JSON.stringify(
    blocks.map((block): PackedBlock => {
      const hasCounter = block.n.some((n) => n !== null)
      const hasQuality = block.quality.some((quality) => quality !== null)
      return {
        p: block.prev,
        at: packPositions(block.positions),
        ...(block.boot === null ? {} : { b: block.boot }),
        ...(hasCounter ? { n: block.n } : {}),
        t: block.ts,
        ...(block.deviceTs ? { d: block.deviceTs } : {}),
        m: block.metrics,
        ...(hasQuality ? { q: block.quality } : {}),
      }
    }),
  )
}

export function unpackBlocks(topic: DeviceTopic, text: string): readonly DeviceBlock[] {
  return (JSON.parse(text) as PackedBlock[]).map((block) => {
    const nothing = block.t.map(() => null)
    return {
      topic,
      prev: block.p,
      positions: unpackPositions(block.at),
      boot: block.b ?? null,
      n: block.n ?? nothing,
      ts: block.t,
      ...(block.d ? { deviceTs: block.d } : {}),
      metrics: block.m,
      quality: block.q ?? nothing,
    }
  })
}

/** The first whole, each next as its difference to the one before: milliseconds, sequence number, place; in base 36. */
function packPositions(positions: readonly Position[]): string {
  let before: ReturnType<typeof decodePosition> | undefined
  const parts = positions.map((position) => {
    const now = decodePosition(position)
    const part = before
      ? [
          now.arrivalMs - before.arrivalMs,
          BigInt(now.sequenceNumber) - BigInt(before.sequenceNumber),
          now.index,
        ]
          .map((number) => number.toString(36))
          .join('.')
      : position
    before = now
    return part
  })
  return parts.join(' ')
}

function unpackPositions(text: string): readonly Position[] {
  const [first = '', ...rest] = text.split(' ')
  let { arrivalMs, sequenceNumber } = decodePosition(first)
  return [
    first,
    ...rest.map((part) => {
      const [time = '0', sequence = '0', index = '0'] = part.split('.')
      arrivalMs += Number.parseInt(time, 36)
      sequenceNumber = (BigInt(sequenceNumber) + bigintOf36(sequence)).toString()
      return encodePosition(arrivalMs, sequenceNumber, Number.parseInt(index, 36))
    }),
  ]
}

function bigintOf36(text: string): bigint {
  const isNegative = text.startsWith('-')
  let value = 0n
  for (const digit of isNegative ? text.slice(1) : text) {
    value = value * 36n + BigInt(Number.parseInt(digit, 36))
  }
  return isNegative ? -value : value
}

/** Under the 400 KB of an item, which DynamoDB counts in UTF-8 (DDB-5). */
const HEADS_BYTES = 350_000

/**
 * A lane's heads as JSON: read and written whole, once a batch. When they do not fit, the devices that have been silent longest lose
 * their last values first and then their place (their next block has no `prev`, which their readers see as a hole): a lane that cannot be
 * written would stop its shard. About 1,000 devices keep all, 1,500 their place.
 */
export function packHeads(heads: LaneHeads): string {
  const whole = packWhole(heads)
  if (whole !== undefined) return whole
  const newestFirst = [...heads].sort(([, a], [, b]) => arrival(b) - arrival(a))
  const room = { bytes: HEADS_BYTES - '[]'.length }
  const placed = newestFirst
    .map(([topic, head]) => ({ whole: [topic, head], bare: [topic, bareHead(head)] }))
    .filter(({ bare }) => takes(room, sizeOf(bare)))
  const kept = placed.map(({ whole, bare }) =>
    takes(room, sizeOf(whole) - sizeOf(bare)) ? whole : bare,
  )
  return JSON.stringify(kept)
}

/** All of the heads as JSON; undefined when that does not fit an item. */
export function packWhole(heads: LaneHeads): string | undefined {
  const all = `[${[...heads].map(textOf).join(',')}]`
  return Buffer.byteLength(all) <= HEADS_BYTES ? all : undefined
}

/** Heads are values: one that stands for a device again has the text that it had. */
const texts = new WeakMap<DeviceHead, { readonly topic: DeviceTopic; readonly text: string }>()

function textOf([topic, head]: readonly [DeviceTopic, DeviceHead]): string {
  const known = texts.get(head)
  if (known?.topic === topic) return known.text
  const text = JSON.stringify([topic, head])
  texts.set(head, { topic, text })
  return text
}

/** Without what is as long as its device likes. */
function bareHead({ refused, ...head }: DeviceHead): DeviceHead {
  return { ...head, metrics: {}, ...(refused ? { refused: { ...refused, example: '' } } : {}) }
}

function takes(room: { bytes: number }, bytes: number): boolean {
  const isFitting = bytes <= room.bytes
  if (isFitting) room.bytes -= bytes
  return isFitting
}

function sizeOf(entry: unknown): number {
  return Buffer.byteLength(JSON.stringify(entry)) + 1
}

function arrival(head: DeviceHead): number {
  if (head.position !== null) return arrivalOf(head.position)
  return Math.max(0, ...Object.values(head.publishers).map(({ at = 0 }) => at))
}

export function unpackHeads(text: string): LaneHeads {
  const heads = JSON.parse(text) as [DeviceTopic, DeviceHead | EarlierHead][]
  return new Map(heads.map(([topic, head]) => [topic, 'publishers' in head ? head : renewed(head)]))
}

/** A head as it was kept while a device had one publisher. */
type EarlierHead = Omit<DeviceHead, 'publishers'> & {
  readonly clientId: string
  readonly online?: boolean
  readonly onlineAt?: number
  readonly session?: number
}

function renewed({ clientId, online, onlineAt, session, ...head }: EarlierHead): DeviceHead {
  const heardMs = head.position === null ? 0 : arrivalOf(head.position)
  const presence = online === undefined ? {} : { online, at: onlineAt ?? 0, session: session ?? 0 }
  return { ...head, publishers: clientId === '' ? {} : { [clientId]: { heardMs, ...presence } } }
}
