/** Where the fate of a message is decided. */
export type DecidedBy = 'broker' | 'rule' | 'deliver'

/** One reading that came of a message: as it was pushed and as the history has it. */
export interface ReadingOutcome {
  readonly metrics: Readonly<Record<string, number | null>>
  /** Epoch ms; `broker`: when the broker took it. Any when absent. */
  readonly ts?: number | 'broker'
  /** None when absent. */
  readonly quality?: 'broker-time' | 'clock-unset' | 'skew'
}

/** What becomes of a message. */
export type Outcome =
  /** The broker refuses the connection: the CONNACK's return code, or it hangs up. */
  | {
      readonly refused: number | 'closed'
      /** The metric of AWS/IoT that counts it. */
      readonly counted?: string
      /** What the one line says that a person at the terminal reads. */
      readonly told?: RegExp
    }
  /** The broker ends the connection, and nothing reaches the stream: the reason in its presence, and the metric of AWS/IoT. */
  | { readonly disconnected: string; readonly counted?: string }
  /** The broker takes no notice, but counts it. */
  | { readonly unanswered: string }
  /** The broker acknowledges, no rule takes it. */
  | 'unmatched'
  /** Put aside with this reason and the original bytes, and one line in the log that has nothing of them. */
  | { readonly rejected: string; readonly byteOffset?: number }
  | {
      /** In order. */
      readonly readings: readonly ReadingOutcome[]
      /** What `deliver` counts besides the readings. */
      readonly counted?: Readonly<Record<string, number>>
      /** What the dashboard shows of it. */
      readonly shown?: Shown
      /** The reason in the presence of a device that left a will. */
      readonly left?: string
    }

export interface Shown {
  /** The labels of the gap markers in a chart. */
  readonly gaps?: readonly string[]
  /** The values of the metric `a` as numbers in figures and tables. */
  readonly values?: readonly string[]
  /** The first line of an export. */
  readonly csv?: string
}

export interface TableRow {
  /** A row of docs/facts. */
  readonly id: string
  readonly what: string
  readonly by: DecidedBy
  /** The client: by default one without a policy; `thing` has the product's device policy and is plant-1/d1. */
  readonly as?: 'thing'
  readonly topic?: string
  /** Text and bytes as they are, everything else as JSON. */
  readonly payload?: unknown
  /** Instead of `payload`: several publishes, one after the other. */
  readonly payloads?: readonly unknown[]
  readonly qos?: 1 | 2
  readonly retain?: true
  /** Instead of a publish: leaves this as its will on the topic, and is lost. */
  readonly will?: unknown
  /** Instead of a publish. */
  readonly subscribe?: string
  /** Instead of everything: how it connects. */
  readonly connect?: { readonly clientId?: string; readonly version?: 4 | 5 }
  readonly bytes?: Buffer
  readonly outcome: Outcome
  /** Why, where the reference expects something else. */
  readonly reason?: string
}

export const TOPIC = 'dt/plant-1/d1/telemetry'

export const one = (
  metrics: ReadingOutcome['metrics'],
  more: Omit<ReadingOutcome, 'metrics'> = { quality: 'broker-time' },
): Extract<Outcome, { readings: unknown }> => ({ readings: [{ metrics, ...more }] })

export const rejected = (reason: string): Outcome => ({ rejected: reason })

/** Row of a payload that reaches `deliver`. */
export const payload = (id: string, what: string, value: unknown, outcome: Outcome): TableRow => ({
  id,
  what,
  by: 'deliver',
  payload: value,
  outcome,
})

export const because = (row: TableRow, reason: string): TableRow => ({ ...row, reason })
