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
  /** The points in the order in which the chart draws them. */
  readonly points: readonly Reading[]
  readonly gaps: readonly MarkedGap[]
}

/** A reading that reached a client's socket, with the wall-clock time of its arrival. */
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
  readonly charts: readonly Chart[]
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

/** Judges a history. Every list of the verdict but `announcedLoss` must be empty. */
export function check(history: History): Verdict {
  const sent = new Map(history.sent.map((reading) => [identity(reading), reading]))
  const byTopic = groupByTopic(history.sent)
  const charts = history.charts.map((chart) => checkChart(chart, sent, byTopic))
  return {
    announcedLoss: charts.reduce((sum, chart) => sum + chart.announcedLoss, 0),
    silentGap: charts.flatMap((chart) => chart.silentGap),
    phantom: charts.flatMap((chart) => chart.phantom),
    wrongValue: charts.flatMap((chart) => chart.wrongValue),
    duplicatePoint: charts.flatMap((chart) => chart.duplicatePoint),
    reorderedPoint: charts.flatMap((chart) => chart.reorderedPoint),
    unentitled: checkEntitlement(history),
    checked: charts.reduce((sum, chart) => sum + chart.checked, 0),
  }
}

/** True when nothing is wrong with the verdict and it looked at something. */
export function isClean(verdict: Verdict): boolean {
  return problems(verdict).length === 0 && verdict.checked > 0
}

/** The names of what is wrong, each with its count and first example. */
export function problems(verdict: Verdict): string[] {
  return Object.entries(verdict)
    .filter(
      (entry): entry is [string, readonly string[]] =>
        Array.isArray(entry[1]) && entry[1].length > 0,
    )
    .map(([name, examples]) => `${name}: ${examples.length}, first ${examples[0] ?? ''}`)
}

type ChartVerdict = Omit<Verdict, 'unentitled'>

function checkChart(
  chart: Chart,
  sent: ReadonlyMap<string, Sent>,
  byTopic: ReadonlyMap<string, readonly Sent[]>,
): ChartVerdict {
  const shown = new Set<string>()
  const phantom: string[] = []
  const wrongValue: string[] = []
  const duplicatePoint: string[] = []
  const reorderedPoint: string[] = []
  const lastTs = new Map<string, number>()
  for (const point of chart.points) {
    const id = identity(point)
    const label = `${chart.client} ${id}`
    if (shown.has(id)) duplicatePoint.push(label)
    shown.add(id)
    const original = sent.get(id)
    if (!original) phantom.push(label)
    else if (original.ts !== point.ts || !sameValues(original, point)) wrongValue.push(label)
    if (point.ts < (lastTs.get(point.topic) ?? -Infinity)) reorderedPoint.push(label)
    lastTs.set(point.topic, point.ts)
  }
  return {
    phantom,
    wrongValue,
    duplicatePoint,
    reorderedPoint,
    ...checkPromises(chart, shown, byTopic),
  }
}

function checkPromises(
  chart: Chart,
  shown: ReadonlySet<string>,
  byTopic: ReadonlyMap<string, readonly Sent[]>,
): Pick<Verdict, 'announcedLoss' | 'silentGap' | 'checked'> {
  const silentGap: string[] = []
  let announcedLoss = 0
  let checked = 0
  for (const { topic, fromTs } of chart.promised) {
    const gaps = chart.gaps.filter((gap) => gap.topic === topic)
    for (const reading of byTopic.get(topic) ?? []) {
      if (reading.outcome !== 'acknowledged' || reading.ts < fromTs) continue
      checked++
      if (shown.has(identity(reading))) continue
      if (gaps.some((gap) => gap.fromTs <= reading.ts && reading.ts <= gap.toTs)) announcedLoss++
      else silentGap.push(`${chart.client} ${identity(reading)} at ${reading.ts}`)
    }
  }
  return { announcedLoss, silentGap, checked }
}

/** Promise 3: nothing reaches a client that may not see it; a revocation has 2 s to take effect. */
const revocationGraceMs = 2_000

function checkEntitlement({ deliveries, grants }: History): string[] {
  return deliveries
    .filter(
      ({ client, topic, atMs }) =>
        !grants.some(
          (grant) =>
            grant.client === client &&
            grant.topic === topic &&
            grant.fromMs <= atMs &&
            atMs <= grant.toMs + revocationGraceMs,
        ),
    )
    .map(({ client, topic, atMs }) => `${client} got ${topic} at ${atMs}`)
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

function groupByTopic(sent: readonly Sent[]): Map<string, Sent[]> {
  const groups = new Map<string, Sent[]>()
  for (const reading of sent) {
    const group = groups.get(reading.topic)
    if (group) group.push(reading)
    else groups.set(reading.topic, [reading])
  }
  return groups
}
