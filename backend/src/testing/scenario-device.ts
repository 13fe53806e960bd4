import type { StreamItem } from '../core/telemetry/decode-record.ts'
import { encodePosition, type Position } from '../protocol/index.ts'
import { START_MS, streamItem } from './records.ts'

/** How far the readings of a batch are behind their arrival, ms: each takes the next, round and round. */
export type Behind = readonly number[]

interface Sent {
  readonly boot: string
  readonly counter: number
  readonly arrivalMs: number
  readonly behindMs: number
}

/**
 * A device whose n-th reading has the value n in the metric `a`, and every third one also in `b`: whoever holds a value knows which
 * reading it is. What was sent can be given again, byte for byte.
 */
export class ScenarioDevice {
  readonly #sent: Sent[] = []
  readonly #hasCounter: boolean
  #boot = 1
  #counter = 0
  /** The first reading after the last long silence. */
  firstOfDay = 1
  /** How long it has been silent in all, ms. */
  laterMs = 0

  constructor(hasCounter: boolean) {
    this.#hasCounter = hasCounter
  }

  get count(): number {
    return this.#sent.length
  }

  /** Epoch ms of a reading's arrival in the stream. */
  arrivalOf(n: number): number {
    return this.#sent[n - 1]?.arrivalMs ?? Infinity
  }

  positionOf(n: number): Position {
    return encodePosition(this.arrivalOf(n), streamItem(n, {}).sequenceNumber)
  }

  hasB(n: number): boolean {
    return n % 3 === 0
  }

  send(size: number, behind: Behind): readonly StreamItem[] {
    const first = this.count + 1
    for (let i = 0; i < size; i++) {
      this.#sent.push({
        boot: `b${this.#boot}`,
        counter: ++this.#counter,
        arrivalMs: START_MS + this.laterMs + (first + i) * 100 + 4,
        behindMs: behind[i % behind.length] ?? 0,
      })
    }
    return this.again(first, size)
  }

  /** Readings that were sent already, as the stream gives them when it repeats itself. */
  again(from: number, size: number): readonly StreamItem[] {
    return this.#sent.slice(from - 1, from - 1 + size).map((sent, i) => this.#item(from + i, sent))
  }

  /** Another `boot`, whose counter begins at 1. */
  reboot(): void {
    this.#boot++
    this.#counter = 0
  }

  /** What it sends from now on arrives so much later. */
  pause(ms: number): void {
    this.laterMs += ms
    this.firstOfDay = this.count + 1
  }

  #item(n: number, { boot, counter, arrivalMs, behindMs }: Sent): StreamItem {
    const brokerMs = arrivalMs - 4
    const metrics = this.hasB(n) ? { a: n, b: n } : { a: n }
    const counted = this.#hasCounter ? { boot, n: counter } : {}
    return streamItem(n, { ts: brokerMs - behindMs, ...counted, metrics }, { brokerMs, arrivalMs })
  }
}
