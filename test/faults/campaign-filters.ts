import type { Block, ServerMessage, Subscription } from '@gaugeline/backend/protocol'
import { CampaignClient, type CampaignClientOptions } from './campaign-dashboard.ts'
import type { Sent } from './checker.ts'

type SubscriptionInput = Partial<Subscription> & Pick<Subscription, 'sid' | 'topic'>

interface Row {
  readonly sid: number
  readonly topic: string
  readonly key: string | undefined
  readonly ts: number
  readonly values: Readonly<Record<string, number>>
}

interface Filter {
  readonly subscription: SubscriptionInput
  /** What the filter promises of each row. */
  readonly holds: (row: Row) => boolean
  /** What it promises of two neighbours in a block. */
  readonly holdsBetween?: (row: Row, next: Row) => boolean
}

const threshold = 8_000_000
/** Neighbours are 6.4 or 10.4 million apart. */
const deadband = 7_000_000
const fleetSid = 5

function filtersFor(topics: readonly string[]): Filter[] {
  const [first = '', second = '', third = '', fourth = ''] = topics
  const complete = { mode: 'complete' } as const
  return [
    {
      subscription: { sid: 1, topic: first, ...complete, metrics: ['value'] },
      holds: ({ values }) => Object.keys(values).join() === 'value',
    },
    {
      subscription: {
        sid: 2,
        topic: second,
        ...complete,
        where: { metric: 'value', op: 'gt', value: threshold },
      },
      holds: ({ values }) => (values['value'] ?? 0) > threshold,
    },
    { subscription: { sid: 3, topic: third, ...complete, maxHz: 2 }, holds: () => true },
    {
      // Only this metric: one without a deadband is shown at every change.
      subscription: {
        sid: 4,
        topic: fourth,
        ...complete,
        metrics: ['value'],
        deadband: { value: deadband },
      },
      holds: () => true,
      holdsBetween: (row, next) =>
        Math.abs((next.values['value'] ?? 0) - (row.values['value'] ?? 0)) >= deadband,
    },
    {
      subscription: { sid: fleetSid, topic: '#', mode: 'latest', maxHz: 1 },
      holds: () => true,
    },
  ]
}

/** Somebody who watches through filters: `metrics`, `where`, `maxHz`, a deadband, `latest`. Judged by what the filters promise. */
export class FilteredViewer {
  readonly client: CampaignClient
  /** Why the last subscribe failed; undefined while none has. */
  lastRefusal: string | undefined
  readonly #filters: readonly Filter[]
  readonly #rows: Row[] = []
  readonly #broken: string[] = []
  /** Topic → the newest reading of the fleet subscription. */
  readonly #newest = new Map<string, Row>()

  constructor(options: CampaignClientOptions & { readonly topics: readonly string[] }) {
    this.client = new CampaignClient(options)
    this.#filters = filtersFor(options.topics)
    this.client.stream.listen({
      welcome: () => this.#subscribe(),
      message: (message) => {
        this.#received(message)
      },
    })
  }

  /** True when the fleet subscription shows the last reading of each. */
  showsNewest(newest: readonly Sent[]): boolean {
    return newest.every(({ topic, ts }) => this.#newest.get(topic)?.ts === ts)
  }

  /** Rows looked at, by sid. */
  counts(): Readonly<Record<number, number>> {
    const counts: Record<number, number> = {}
    for (const { sid } of this.#rows) counts[sid] = (counts[sid] ?? 0) + 1
    return counts
  }

  /** What is wrong: rows that a filter forbids, that nobody sent or that have other values, and filters that let nothing or everything through. */
  judge(sent: readonly Sent[]): string[] {
    const wrong = [...this.#broken]
    const wanted = new Set(this.#rows.map(({ topic, key }) => `${topic}#${key ?? ''}`))
    const byId = new Map(
      sent
        .map((reading) => [`${reading.topic}#${reading.key}`, reading] as const)
        .filter(([id]) => wanted.has(id)),
    )
    for (const row of this.#rows) {
      const original = row.key === undefined ? undefined : byId.get(`${row.topic}#${row.key}`)
      if (row.key !== undefined && !isPartOf(row, original)) {
        wrong.push(`sid ${row.sid}: nobody sent ${JSON.stringify(row)}`)
      }
    }
    const counts = this.counts()
    for (const { subscription } of this.#filters) {
      const { sid, topic } = subscription
      const through = counts[sid] ?? 0
      const all = sent.filter((reading) => reading.topic === topic).length
      if (through === 0) wrong.push(`sid ${sid}: nothing came`)
      const isThinning = ['where', 'maxHz', 'deadband'].some((key) => key in subscription)
      if (isThinning && topic !== '#' && through >= all)
        wrong.push(`sid ${sid}: ${through} of ${all} came`)
    }
    return wrong
  }

  async #subscribe(): Promise<void> {
    const subscriptions = this.#filters.map(({ subscription }) => subscription)
    // Without an answer the socket is replaced, and the next welcome asks again.
    await this.client.stream
      .request({ action: 'subscribe', subscriptions })
      .then((answer) => {
        for (const { sid, ok } of answer.results) {
          if (!ok) this.#broken.push(`sid ${sid} was refused`)
        }
        for (const state of answer.states) {
          this.#learn({
            sid: fleetSid,
            topic: state.topic,
            key: undefined,
            ts: state.ts,
            values: state.metrics,
          })
        }
      })
      .catch((error: unknown) => {
        this.lastRefusal = String(error)
        this.client.cut()
      })
  }

  #received(message: ServerMessage): void {
    if (message.type !== 'data') return
    for (const block of message.blocks) {
      const filter = this.#filters.find(({ subscription }) => subscription.sid === block.sid)
      if (!filter) continue
      const rows = rowsOf(block)
      for (const [index, row] of rows.entries()) {
        const previous = rows[index - 1]
        const isBetween = !previous || (filter.holdsBetween?.(previous, row) ?? true)
        if (!filter.holds(row) || !isBetween) {
          this.#broken.push(`sid ${row.sid} let through ${JSON.stringify(row)}`)
        }
        this.#rows.push(row)
        if (row.sid === fleetSid) this.#learn(row)
      }
    }
  }

  #learn(row: Row): void {
    const known = this.#newest.get(row.topic)
    if (!known || known.ts <= row.ts) this.#newest.set(row.topic, row)
  }
}

function rowsOf(block: Block): Row[] {
  return block.ts.map((ts, index) => {
    const n = block.n?.[index]
    const values: Record<string, number> = {}
    for (const [metric, column] of Object.entries(block.metrics)) {
      const value = column[index]
      if (typeof value === 'number') values[metric] = value
    }
    const key = typeof n === 'number' ? `${block.boot ?? ''}:${n}` : undefined
    return { sid: block.sid ?? 0, topic: block.topic, key, ts, values }
  })
}

function isPartOf(row: Row, original: Sent | undefined): boolean {
  return (
    original?.ts === row.ts &&
    Object.entries(row.values).every(([metric, value]) => original.values[metric] === value)
  )
}
