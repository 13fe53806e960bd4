import { catalogue } from './catalogue.ts'
import { seeded } from './random.ts'

/** A rule of the local runtime's fault endpoint (`POST {aws}/_gaugeline/faults`). */
export interface SeamRule {
  readonly seam: string
  /** `$deliver`, `$connect`: that function; `$dashboard`: the socket of one dashboard. */
  readonly target?: string
  readonly probability?: number
  readonly count?: number
  readonly fault: Readonly<Record<string, unknown>>
}

/** What a fault does: rules at the seams of the system, or an act on the campaign's own clients and devices. */
export type Act =
  | { readonly kind: 'seam'; readonly rule: SeamRule }
  /** Sockets without a close frame, with one, closed by the management API, or not read until the fault is over. */
  | {
      readonly kind: 'cut-sockets' | 'close-sockets' | 'delete-sockets' | 'stall-sockets'
      readonly share: number
    }
  /** The TCP connection falls; another boot, its counter from 1; another client takes the client id; a topic that is not the device's own. */
  | {
      readonly kind: 'reset-devices' | 'reboot-devices' | 'rob-devices' | 'trespass'
      readonly share: number
    }
  /** The devices' clocks go back: late readings. */
  | { readonly kind: 'clock-back'; readonly ms: number; readonly share: number }
  /** Payloads that nobody can read, so many from each device. */
  | { readonly kind: 'poison'; readonly count: number; readonly share: number }
  /** One client asks as fast as it can. */
  | { readonly kind: 'flood' }

export interface FaultKind {
  /** The row of the fault catalogue (docs/facts/faults.md). */
  readonly id: string
  readonly name: string
  readonly acts: readonly Act[]
}

export interface PlannedFault extends FaultKind {
  /** Share of the campaign's length at which it starts, 0–1. */
  readonly at: number
  readonly durationMs: number
  /** For what is chosen when it strikes. */
  readonly seed: number
}

/**
 * Draws a plan of `count` faults, each 0.5–4 s long, so that several may overlap. Every kind comes before one comes twice. The plan
 * follows from the seed alone.
 */
export function planFaults(seed: number, count: number): PlannedFault[] {
  const random = seeded(seed)
  const plan: PlannedFault[] = []
  let pool: FaultKind[] = []
  while (plan.length < count) {
    if (pool.length === 0) pool = [...catalogue]
    const chosen = random.pick(pool)
    pool = pool.filter((entry) => entry !== chosen)
    plan.push({
      ...chosen,
      at: random.between(0.03, 0.92),
      durationMs: Math.round(random.between(500, 4_000)),
      seed: Math.floor(random.next() * 2 ** 31),
    })
  }
  return plan.sort((a, b) => a.at - b.at)
}
