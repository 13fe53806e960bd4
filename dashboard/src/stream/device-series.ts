import {
  type Block,
  comparePositions,
  countedBetween,
  type Position,
  readingIdAt,
} from '@gaugeline/backend/protocol'

/** The readings of one device as columns of one length, sorted by time. Views into the live arrays: valid until the next write. */
export interface SeriesView {
  readonly length: number
  /** Epoch milliseconds. */
  readonly ts: Float64Array
  /** NaN = not sent. */
  readonly values: Float64Array
  /** Position of the block that brought each reading. */
  readonly positions: readonly Position[]
}

/** A metric's value that arrived last. */
export interface NewestValue {
  readonly value: number
  /** Where it stands in time, epoch milliseconds. */
  readonly ts: number
  /** Of the block that brought it. */
  readonly position: Position
}

const FIRST_CAPACITY = 1_024
const NO_ID = -1
const MAX_ROWS = 60_000

/**
 * Plain typed arrays outside Vue, grown by doubling up to 60,000 readings, then the oldest eighth goes. Sorted by device time: a late
 * reading is inserted where it belongs. A reading is never kept twice: the server names each by its place in the stream.
 */
export class DeviceSeries {
  #length = 0
  #capacity = FIRST_CAPACITY
  #ts = new Float64Array(FIRST_CAPACITY)
  /** 1 = arrived after a newer one. */
  #late = new Uint8Array(FIRST_CAPACITY)
  /** The device's own counter, NaN where it has none, and which of its boots it counts from. */
  #counters = new Float64Array(FIRST_CAPACITY)
  #boots = new Uint32Array(FIRST_CAPACITY)
  readonly #bootNumbers = new Map<string, number>()
  readonly #bootNames: string[] = []
  readonly #positions: Position[] = []
  readonly #columns = new Map<string, Float64Array>()
  /** What the server names each reading, -1 where it did not. */
  #ids = new Int32Array(FIRST_CAPACITY)
  readonly #newest = new Map<string, NewestValue>()
  readonly #maxRows: number
  #duplicates = 0

  constructor(maxRows = MAX_ROWS) {
    this.#maxRows = maxRows
  }

  get length(): number {
    return this.#length
  }
  get duplicates(): number {
    return this.#duplicates
  }
  get firstTs(): number | undefined {
    return this.#length > 0 ? this.#ts[0] : undefined
  }
  get lastTs(): number | undefined {
    return this.#length > 0 ? this.#ts[this.#length - 1] : undefined
  }
  get metrics(): string[] {
    return [...this.#columns.keys()]
  }

  /** Epoch ms of each row. */
  get times(): Float64Array {
    return this.#ts.subarray(0, this.#length)
  }

  /** NaN = not carried. */
  valueAt(row: number, metric: string): number {
    return this.#columns.get(metric)?.[row] ?? Number.NaN
  }

  view(metric: string): SeriesView {
    const column = this.#columns.get(metric)
    const length = column ? this.#length : 0
    return {
      length,
      ts: this.#ts.subarray(0, length),
      values: (column ?? this.#ts).subarray(0, length),
      positions: column ? this.#positions : [],
    }
  }

  /** True when the reading arrived after a newer one. */
  isLate(row: number): boolean {
    return this.#late[row] === 1
  }

  /** Where a reading stands in its device's own count. */
  counted(row: number): { readonly boot: string; readonly n: number } {
    const boot = this.#bootNames[this.#boots[row] ?? 0] ?? ''
    return { boot, n: this.#counters[row] ?? Number.NaN }
  }

  /**
   * How many readings the device counted between this one and the one before it, and that are not held. `Infinity`: some. Undefined where
   * nobody can know.
   */
  missingBefore(row: number): number | undefined {
    if (row < 1 || row >= this.#length) return undefined
    if (this.#boots[row] === this.#boots[row - 1]) {
      const steps = (this.#counters[row] ?? Number.NaN) - (this.#counters[row - 1] ?? Number.NaN)
      return Number.isNaN(steps) ? undefined : Math.max(0, steps - 1)
    }
    return countedBetween(this.counted(row - 1), this.counted(row))
  }

  /** Typical milliseconds between the newest readings; undefined with fewer than three. */
  get intervalMs(): number | undefined {
    const steps: number[] = []
    for (let row = Math.max(1, this.#length - 40); row < this.#length; row++) {
      steps.push((this.#ts[row] ?? 0) - (this.#ts[row - 1] ?? 0))
    }
    steps.sort((a, b) => a - b)
    return steps.length < 2 ? undefined : steps[steps.length >> 1]
  }

  /** The first row at or after `ts`. */
  rowAt(ts: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ts[middle] ?? 0) < ts) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Writes the block's readings; how many were new. `live` marks those older than what is held as late. */
  add(block: Block, live: boolean): number {
    for (const metric of Object.keys(block.metrics)) this.#column(metric)
    let added = 0
    for (let i = 0; i < block.ts.length; i++) if (this.#addReading(block, i, live)) added++
    return added
  }

  #addReading(block: Block, i: number, live: boolean): boolean {
    const ts = block.ts[i]
    if (ts === undefined) return false
    this.#learnNewest(block, i, ts)
    if (this.#isKept(block, i, ts)) {
      this.#duplicates++
      return false
    }
    const newest = this.lastTs ?? -Infinity
    // After every reading of the same time: the stream's order decides between equals.
    const row = ts >= newest ? this.#length : this.#rowAfter(ts)
    this.#makeRoom(row)
    this.#write(row, block, i)
    this.#late[row] = live && ts < newest ? 1 : 0
    return true
  }

  #rowAfter(ts: number): number {
    let row = this.rowAt(ts)
    while (row < this.#length && this.#ts[row] === ts) row++
    return row
  }

  /** The one delivered twice: of the same name. Where the server named none, alike in everything. */
  #isKept(block: Block, i: number, ts: number): boolean {
    const id = readingIdAt(block.ids, i)
    for (let row = this.rowAt(ts); row < this.#length && this.#ts[row] === ts; row++) {
      const held = this.#ids[row] ?? NO_ID
      const isNamed = id !== undefined && held !== NO_ID
      if (isNamed ? held === id : this.#equals(row, block, i)) return true
    }
    return false
  }

  /** By the order of arrival, whatever the device's clock says. */
  #learnNewest(block: Block, i: number, ts: number): void {
    for (const [metric, column] of Object.entries(block.metrics)) {
      const value = column[i]
      if (typeof value !== 'number') continue
      const held = this.#newest.get(metric)
      if (held && comparePositions(block.position, held.position) < 0) continue
      this.#newest.set(metric, { value, ts, position: block.position })
    }
  }

  /** The value of a metric that arrived last; undefined before the first. */
  newest(metric: string): NewestValue | undefined {
    return this.#newest.get(metric)
  }

  #equals(row: number, block: Block, i: number): boolean {
    if (!Object.is(this.#counters[row], block.n?.[i] ?? Number.NaN)) return false
    if (this.#boots[row] !== this.#bootNumber(block.boot ?? '')) return false
    for (const [metric, column] of this.#columns) {
      const incoming = block.metrics[metric]?.[i] ?? Number.NaN
      if (!Object.is(column[row], incoming)) return false
    }
    return true
  }

  #write(row: number, block: Block, i: number): void {
    this.#ts[row] = block.ts[i] ?? 0
    this.#counters[row] = block.n?.[i] ?? Number.NaN
    this.#boots[row] = this.#bootNumber(block.boot ?? '')
    this.#ids[row] = readingIdAt(block.ids, i) ?? NO_ID
    this.#positions.splice(row, 0, block.position)
    for (const [metric, column] of this.#columns) {
      column[row] = block.metrics[metric]?.[i] ?? Number.NaN
    }
    this.#length++
  }

  #bootNumber(boot: string): number {
    const known = this.#bootNumbers.get(boot)
    if (known !== undefined) return known
    this.#bootNumbers.set(boot, this.#bootNumbers.size)
    this.#bootNames.push(boot)
    return this.#bootNumbers.size - 1
  }

  /** Opens a free row at `row`, growing or trimming first. */
  #makeRoom(row: number): void {
    if (this.#length === this.#capacity) this.#grow()
    if (row >= this.#length) return
    for (const column of this.#all()) column.copyWithin(row + 1, row, this.#length)
  }

  #grow(): void {
    this.#capacity *= 2
    this.#ts = enlarged(this.#ts, this.#capacity)
    this.#counters = enlarged(this.#counters, this.#capacity)
    for (const [metric, column] of this.#columns) {
      this.#columns.set(metric, enlarged(column, this.#capacity))
    }
    const late = new Uint8Array(this.#capacity)
    late.set(this.#late)
    this.#late = late
    const boots = new Uint32Array(this.#capacity)
    boots.set(this.#boots)
    this.#boots = boots
    const ids = new Int32Array(this.#capacity)
    ids.set(this.#ids)
    this.#ids = ids
  }

  /** Drops the oldest eighth when there are too many rows: true. Called between blocks, so that no row number is in use. */
  trim(): boolean {
    if (this.#length <= this.#maxRows) return false
    const drop = this.#length - Math.floor(this.#maxRows * 0.875)
    for (const column of this.#all()) column.copyWithin(0, drop, this.#length)
    this.#positions.splice(0, drop)
    this.#length -= drop
    return true
  }

  #column(metric: string): Float64Array {
    const existing = this.#columns.get(metric)
    if (existing) return existing
    const column = new Float64Array(this.#capacity).fill(Number.NaN)
    this.#columns.set(metric, column)
    return column
  }

  #all(): (Float64Array | Uint8Array | Uint32Array | Int32Array)[] {
    return [this.#ts, this.#late, this.#counters, this.#boots, this.#ids, ...this.#columns.values()]
  }
}

function enlarged(column: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity).fill(Number.NaN)
  larger.set(column)
  return larger
}
