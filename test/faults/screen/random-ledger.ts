import fc from 'fast-check'
import { START_MS } from '../../../backend/src/testing/records.ts'
import type { Ledger } from './ledger.ts'
import type { Payload } from './world-dashboard.ts'

/** What happens after a run of readings. */
export type Trouble = 'lost' | 'null' | 'silent' | 'restart' | 'restart and lost' | 'late' | 'none'

export interface Part {
  readonly run: number
  readonly trouble: Trouble
  readonly size: number
}

export interface Plan {
  readonly everyMs: number
  readonly counts: boolean
  /** Runs are so many times as long: with more than 3,000 readings a window is asked for in buckets. */
  readonly longer: number
  readonly parts: readonly Part[]
  /** Readings before this part come without `flow`: it appears later. */
  readonly flowFrom: number
}

/** A step of the device's life: readings that reach the stream together, at a time. */
export interface Delivery {
  readonly atMs: number
  readonly readings: readonly Payload[]
}

const troubles = ['lost', 'null', 'silent', 'restart', 'restart and lost', 'late', 'none'] as const
const BATCH = 20

export const plans: fc.Arbitrary<Plan> = fc.record({
  everyMs: fc.constantFrom(100, 1_000, 1_000),
  counts: fc.boolean(),
  longer: fc.constantFrom(1, 1, 1, 12),
  flowFrom: fc.nat(2),
  parts: fc.array(
    fc.record({
      run: fc.integer({ min: 45, max: 160 }),
      trouble: fc.constantFrom(...troubles),
      size: fc.integer({ min: 1, max: 40 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
})

/** The device's life by plan, and what it knows of it at the end. */
export function lifeOf(plan: Plan): { readonly ledger: Ledger; readonly deliveries: Delivery[] } {
  const device = new PlannedDevice(plan)
  for (const [index, part] of plan.parts.entries()) device.live(part, index)
  device.live({ run: 45, trouble: 'none', size: 1 }, plan.parts.length)
  return { ledger: { readings: device.readings, everyMs: plan.everyMs }, deliveries: device.sent }
}

class PlannedDevice {
  readonly readings: { ts: number; values: Payload['metrics']; isKept: boolean }[] = []
  readonly sent: Delivery[] = []
  readonly #plan: Plan
  #ts = START_MS + 1_000
  #boot = 1
  #n = 0

  constructor(plan: Plan) {
    this.#plan = plan
  }

  live({ run, trouble, size }: Part, index: number): void {
    const { everyMs, counts, longer } = this.#plan
    const hasFlow = index >= this.#plan.flowFrom
    this.#send(this.#make(run * longer, { hasFlow }))
    // What does not count can lose only what lasts, or nobody could know.
    const least = counts ? 1 : Math.ceil(12_000 / everyMs)
    const many = Math.max(least, size)
    switch (trouble) {
      case 'lost':
        this.#make(many, { hasFlow, isKept: false })
        break
      case 'null':
        this.#send(this.#make(size, { hasFlow, isNull: true }))
        break
      case 'silent':
        this.#ts += 12_000 + many * everyMs
        break
      case 'restart':
        this.#restart()
        break
      case 'restart and lost':
        this.#restart()
        this.#make(many, { hasFlow, isKept: false })
        break
      case 'late': {
        const late = this.#make(size, { hasFlow })
        this.#send(this.#make(45, { hasFlow }))
        this.sent.push({ atMs: this.#ts, readings: late })
        break
      }
      case 'none':
        break
    }
  }

  #restart(): void {
    this.#boot++
    this.#n = 0
  }

  #make(
    count: number,
    {
      hasFlow,
      isKept = true,
      isNull = false,
    }: { hasFlow: boolean; isKept?: boolean; isNull?: boolean },
  ): Payload[] {
    return Array.from({ length: count }, () => {
      const ts = this.#ts
      this.#ts += this.#plan.everyMs
      const n = ++this.#n
      // Each value once, so that a point tells which reading it is.
      const value = ((ts - START_MS) % 7_919) / 8
      const metrics = {
        temperature: isNull ? null : value,
        ...(hasFlow ? { flow: -value } : {}),
        level: 1,
      }
      this.readings.push({ ts, values: metrics, isKept })
      return { ts, ...(this.#plan.counts ? { boot: `b${this.#boot}`, n } : {}), metrics }
    })
  }

  #send(readings: readonly Payload[]): void {
    const size = Math.min(400, BATCH * this.#plan.longer)
    for (let i = 0; i < readings.length; i += size) {
      const batch = readings.slice(i, i + size)
      this.sent.push({ atMs: (batch.at(-1)?.ts ?? 0) + 50, readings: batch })
    }
  }
}
