/**
 * The history checker, after Jepsen: it is given what the broker acknowledged and what each dashboard's chart holds at the end, and
 * says where the two do not agree. It knows nothing of how the system works.
 */

/** One reading, identified by its device, boot and counter. */
export interface Reading {
  readonly topic: string
  /** `boot:n`: unique per device. */
  readonly key: string
  readonly ts: number
  readonly values: Readonly<Record<string, number>>
}

export type Outcome =
  /** The broker acknowledged it: it must arrive. */
  | 'acknowledged'
  /** The link fell before the answer: it may arrive or not, but never with other values. */
  | 'unknown'

export interface Sent extends Reading {
  readonly outcome: Outcome
}

/** A hole that the chart shows as one, device time, both ends included. */
export interface MarkedGap {
  readonly topic: string
  readonly fromTs: number
  readonly toTs: number
}

/** What one dashboard ended up with. */
export interface Chart {
  readonly client: string
  /** Topics the client was promised completely, with the device time from which on. */
  readonly promised: readonly { readonly topic: string; readonly fromTs: number }[]
  /** The points in the order in which the chart draws them; may be made on the way, as there can be millions. */
  readonly points: Iterable<Reading>
  readonly gaps: readonly MarkedGap[]
}

/** Something about a topic that reached a client's socket, with the wall-clock time of its arrival. */
export interface Delivery {
  readonly client: string
  readonly topic: string
  readonly atMs: number
}

/** From when to when a client may see a topic; `toMs` plus the grace of the promise (2 s) is the last moment. */
export interface Grant {
  readonly client: string
  readonly topic: string
  readonly fromMs: number
  readonly toMs: number
}

export interface History {
  readonly sent: readonly Sent[]
  readonly charts: Iterable<Chart>
  readonly deliveries: readonly Delivery[]
  readonly grants: readonly Grant[]
}

export interface Verdict {
  /** Acknowledged, not on the chart, but inside a marked gap. */
  readonly announcedLoss: number
  /** Acknowledged, not on the chart, and nothing says so. */
  readonly silentGap: readonly string[]
  /** On the chart, but nobody ever sent it. */
  readonly phantom: readonly string[]
  readonly wrongValue: readonly string[]
  readonly unentitled: readonly string[]
  readonly duplicatePoint: readonly string[]
  readonly reorderedPoint: readonly string[]
  /** How many (chart, acknowledged reading) pairs were looked at: a check of nothing is no check. */
  readonly checked: number
}

/** Whether a loss that the chart admits is fine: only where the retention has run out. */
export interface Leniency {
  readonly lossMayBeAnnounced?: boolean
}

type Draft = {
  -readonly [K in keyof Verdict]: Verdict[K] extends number ? number : string[]
}

/** Judges a history. Every list of the verdict must be empty. */
export function check(history: History): Verdict {
  const sent = indexSent(history.sent)
  const grants = indexGrants(history.grants)
  const verdict: Draft = {
    announcedLoss: 0,
    silentGap: [],
    phantom: [],
    wrongValue: [],
    unentitled: [],
    duplicatePoint: [],
    reorderedPoint: [],
    checked: 0,
  }
  for (const chart of history.charts) {
    const shown = checkPoints(chart, sent, { grants, verdict })
    checkPromises(chart, sent, { shown, verdict })
  }
  for (const { client, topic, atMs } of history.deliveries) {
    const isAllowed = grants
      .get(`${client} ${topic}`)
      ?.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs + revocationGraceMs)
    if (!isAllowed) verdict.unentitled.push(`${client} got ${topic} at ${atMs}`)
  }
  return verdict
}

/** True when nothing is wrong with the verdict and it looked at something. */
export function isClean(verdict: Verdict, leniency: Leniency = {}): boolean {
  return problems(verdict, leniency).length === 0 && verdict.checked > 0
}

/** The names of what is wrong, each with its count and first example. */
export function problems(verdict: Verdict, leniency: Leniency = {}): string[] {
  const lists = Object.entries(verdict)
    .filter(
      (entry): entry is [string, readonly string[]] =>
        Array.isArray(entry[1]) && entry[1].length > 0,
    )
    .map(([name, examples]) => `${name}: ${examples.length}, first ${examples[0] ?? ''}`)
  const isLossFine = verdict.announcedLoss === 0 || leniency.lossMayBeAnnounced === true
  return isLossFine ? lists : [`announcedLoss: ${verdict.announcedLoss}`, ...lists]
}

/** Promise 3: nothing reaches a client that may not see it; a revocation has 2 s to take effect. */
const revocationGraceMs = 2_000

interface SentIndex {
  readonly readings: readonly Sent[]
  /** Identity → place in `readings`. */
  readonly byId: ReadonlyMap<string, number>
  readonly byTopic: ReadonlyMap<string, readonly number[]>
}

function indexSent(readings: readonly Sent[]): SentIndex {
  const byId = new Map<string, number>()
  const byTopic = new Map<string, number[]>()
  for (const [place, reading] of readings.entries()) {
    byId.set(identity(reading), place)
    const places = byTopic.get(reading.topic)
    if (places) places.push(place)
    else byTopic.set(reading.topic, [place])
  }
  return { readings, byId, byTopic }
}

type Grants = ReadonlyMap<string, readonly Grant[]>

function indexGrants(grants: readonly Grant[]): Grants {
  const index = new Map<string, Grant[]>()
  for (const grant of grants) {
    const key = `${grant.client} ${grant.topic}`
    index.set(key, [...(index.get(key) ?? []), grant])
  }
  return index
}

/** Looks at each point; returns which of the sent readings are there (1). */
function checkPoints(
  chart: Chart,
  sent: SentIndex,
  { grants, verdict }: { readonly grants: Grants; readonly verdict: Draft },
): Uint8Array {
  const shown = new Uint8Array(sent.readings.length)
  const strangers = new Set<string>()
  const lastTs = new Map<string, number>()
  const forbidden = new Set<string>()
  for (const point of chart.points) {
    const id = identity(point)
    const place = sent.byId.get(id)
    const original = place === undefined ? undefined : sent.readings[place]
    if (place === undefined || !original) {
      verdict.phantom.push(`${chart.client} ${id}`)
      if (strangers.has(id)) verdict.duplicatePoint.push(`${chart.client} ${id}`)
      strangers.add(id)
    } else {
      if (shown[place] === 1) verdict.duplicatePoint.push(`${chart.client} ${id}`)
      shown[place] = 1
      const isRight = original.ts === point.ts && sameValues(original, point)
      if (!isRight) verdict.wrongValue.push(`${chart.client} ${id}`)
    }
    if (point.ts < (lastTs.get(point.topic) ?? -Infinity)) {
      verdict.reorderedPoint.push(`${chart.client} ${id}`)
    }
    lastTs.set(point.topic, point.ts)
    if (!grants.has(`${chart.client} ${point.topic}`)) forbidden.add(point.topic)
  }
  for (const topic of forbidden) verdict.unentitled.push(`${chart.client} shows ${topic}`)
  return shown
}

function checkPromises(
  chart: Chart,
  sent: SentIndex,
  { shown, verdict }: { readonly shown: Uint8Array; readonly verdict: Draft },
): void {
  for (const { topic, fromTs } of chart.promised) {
    const gaps = chart.gaps.filter((gap) => gap.topic === topic)
    for (const place of sent.byTopic.get(topic) ?? []) {
      const reading = sent.readings[place]
      if (reading?.outcome !== 'acknowledged' || reading.ts < fromTs) continue
      verdict.checked++
      if (shown[place] === 1) continue
      if (gaps.some((gap) => gap.fromTs <= reading.ts && reading.ts <= gap.toTs)) {
        verdict.announcedLoss++
      } else verdict.silentGap.push(`${chart.client} ${identity(reading)} at ${reading.ts}`)
    }
  }
}

function identity(reading: Reading): string {
  return `${reading.topic}#${reading.key}`
}

function sameValues(a: Reading, b: Reading): boolean {
  const names = Object.keys(a.values)
  return (
    names.length === Object.keys(b.values).length &&
    names.every((name) => Object.is(a.values[name], b.values[name]))
  )
}
