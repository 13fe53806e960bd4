import { type Block, type ServerMessage, topicCovers } from '@gaugeline/backend/protocol'
import type { WebSocket } from 'ws'
import { blockOf, newestBlock, prevOf } from './fake-blocks.ts'
import type { FakeDevice, FakeReading } from './fake-factory.ts'

/** What one socket has subscribed to. */
export interface FakeSubscription {
  readonly topic: string
  readonly mode: 'complete' | 'latest'
  readonly maxHz: number
}

const HOPS = [31, 6, 14, 5]

/** One dashboard: its subscriptions, and what of each batch it is sent. */
export class FakePeer {
  readonly subscriptions = new Map<number, FakeSubscription>()
  readonly #socket: WebSocket
  /** `sid topic` → when a reading was last shown there, epoch milliseconds. */
  readonly #shownAt = new Map<string, number>()

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  send(message: ServerMessage): void {
    this.#socket.send(JSON.stringify(message))
  }

  /** Ends with a close frame. */
  close(): void {
    this.#socket.close(1000)
  }

  /** Ends without one, as a network does. */
  cut(): void {
    this.#socket.terminate()
  }

  /** One frame for a batch, as `deliver` sends it; `isDropped` is asked for each block of a complete subscription. */
  push(
    batch: readonly { device: FakeDevice; reading: FakeReading }[],
    isDropped: () => boolean,
  ): void {
    const blocks: Block[] = []
    for (const { device, reading } of batch) {
      for (const [sid, wanted] of this.subscriptions) {
        if (!topicCovers(wanted.topic, device.topic)) continue
        if (wanted.mode === 'latest') {
          if (this.#isDue(`${sid} ${device.topic}`, wanted.maxHz, reading.ts)) {
            blocks.push({ sid, ...newestBlock(device, reading), hops: HOPS })
          }
        } else if (!isDropped()) {
          const prev = prevOf(device, [reading])
          blocks.push({ sid, ...blockOf(device, [reading], prev), hops: HOPS })
        }
      }
    }
    if (blocks.length > 0) this.send({ type: 'data', blocks })
  }

  #isDue(key: string, maxHz: number, at: number): boolean {
    if (at < (this.#shownAt.get(key) ?? -Infinity) + 1_000 / maxHz) return false
    this.#shownAt.set(key, at)
    return true
  }
}
