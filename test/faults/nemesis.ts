import type { seeded } from './random.ts'

/** A rule of the local runtime's fault endpoint (`POST {aws}/_gaugeline/faults`). */
export interface SeamRule {
  readonly seam: string
  readonly target?: string
  readonly probability?: number
  readonly count?: number
  readonly fault: Readonly<Record<string, unknown>>
}

/** What one fault of a campaign does: rules at the seams of the system, or an act on the campaign's own clients and devices. */
export type Act =
  | { readonly kind: 'seam'; readonly rules: readonly SeamRule[] }
  | { readonly kind: 'cut-sockets' | 'close-sockets'; readonly share: number }
  | { readonly kind: 'reset-devices'; readonly share: number }
  /** The devices' clocks go back: late readings. */
  | { readonly kind: 'clock-back'; readonly ms: number; readonly share: number }

export interface PlannedFault {
  /** The row of the fault catalogue (reliability reference, section b). */
  readonly id: string
  readonly name: string
  /** Share of the campaign's length at which it starts, 0–1. */
  readonly at: number
  readonly durationMs: number
  readonly act: Act
}

const seam = (seamName: string, fault: SeamRule['fault'], more: Partial<SeamRule> = {}): Act => ({
  kind: 'seam',
  rules: [{ seam: seamName, fault, ...more }],
})

/** What the nemesis draws from: broker, rule, stream, worker, DynamoDB, management API, socket, clock. */
const catalogue: readonly { readonly id: string; readonly name: string; readonly act: Act }[] = [
  { id: 'F01', name: 'devices lose their connection', act: { kind: 'reset-devices', share: 0.5 } },
  {
    id: 'F02',
    name: 'publishes arrive twice',
    act: seam('iot.publish', { kind: 'duplicate', times: 2 }, { probability: 0.3 }),
  },
  {
    id: 'F05',
    name: 'publishes are thrown away',
    act: seam('iot.publish', { kind: 'drop' }, { probability: 0.1 }),
  },
  {
    id: 'F05',
    name: 'the broker answers late',
    act: seam('iot.publish', { kind: 'delay', ms: 300 }, { probability: 0.2 }),
  },
  {
    id: 'F09',
    name: 'the stream throttles',
    act: seam('kinesis.put', { kind: 'throttle' }, { probability: 0.3 }),
  },
  {
    id: 'F09',
    name: 'the stream is slow',
    act: seam('kinesis.put', { kind: 'delay', ms: 200 }, { probability: 0.3 }),
  },
  {
    id: 'F13',
    name: 'batches come twice',
    act: seam('esm.deliver', { kind: 'duplicate', times: 2 }, { probability: 0.5 }),
  },
  {
    id: 'F17',
    name: 'the function fails',
    act: seam('lambda.invoke', { kind: 'error' }, { target: '$deliver', probability: 0.4 }),
  },
  {
    id: 'F20',
    name: 'the function is slow',
    act: seam(
      'lambda.invoke',
      { kind: 'delay', ms: 800 },
      { target: '$deliver', probability: 0.5 },
    ),
  },
  {
    id: 'F21',
    name: 'the function is throttled',
    act: seam('lambda.invoke', { kind: 'throttle' }, { target: '$deliver', probability: 0.6 }),
  },
  {
    id: 'F22',
    name: 'reads are throttled',
    act: seam('dynamodb.Query', { kind: 'throttle' }, { probability: 0.4 }),
  },
  {
    id: 'F22',
    name: 'batch reads fail',
    act: seam('dynamodb.BatchGetItem', { kind: 'error' }, { probability: 0.3 }),
  },
  {
    id: 'F23',
    name: 'the tables are down',
    act: seam('dynamodb.*', { kind: 'error', status: 500 }),
  },
  {
    id: 'F24',
    name: 'the tables are slow',
    act: seam('dynamodb.*', { kind: 'delay', ms: 150 }, { probability: 0.5 }),
  },
  {
    id: 'F25',
    name: 'batch writes are throttled',
    act: seam('dynamodb.BatchWriteItem', { kind: 'throttle' }, { probability: 0.4 }),
  },
  {
    id: 'F32',
    name: 'posts are throttled',
    act: seam('management.post', { kind: 'throttle' }, { probability: 0.3 }),
  },
  {
    id: 'F33',
    name: 'posts hang',
    act: seam('management.post', { kind: 'delay', ms: 3_000 }, { probability: 0.1 }),
  },
  {
    id: 'F34',
    name: 'posts fail',
    act: seam('management.post', { kind: 'error', status: 500 }, { probability: 0.3 }),
  },
  {
    id: 'F34',
    name: 'posts are accepted and lost',
    act: seam('management.post', { kind: 'drop' }, { probability: 0.2 }),
  },
  {
    id: 'F37',
    name: '$disconnect is lost',
    act: { kind: 'seam', rules: [{ seam: 'gateway.disconnect', fault: { kind: 'drop' } }] },
  },
  { id: 'F40', name: 'sockets are cut', act: { kind: 'cut-sockets', share: 0.7 } },
  { id: 'F40', name: 'sockets are closed', act: { kind: 'close-sockets', share: 0.5 } },
  { id: 'F48', name: 'device clocks go back', act: { kind: 'clock-back', ms: 4_000, share: 0.2 } },
]

/** Draws a plan of `count` faults, each 0.5–4 s long, so that several may overlap. Every kind comes before one comes twice. */
export function planFaults(random: ReturnType<typeof seeded>, count: number): PlannedFault[] {
  const plan: PlannedFault[] = []
  let pool: (typeof catalogue)[number][] = []
  while (plan.length < count) {
    if (pool.length === 0) pool = [...catalogue]
    const chosen = random.pick(pool)
    pool = pool.filter((entry) => entry !== chosen)
    plan.push({ ...chosen, at: random.between(0.03, 0.92), durationMs: random.between(500, 4_000) })
  }
  return plan.sort((a, b) => a.at - b.at)
}
