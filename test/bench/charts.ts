import type {} from '../../dashboard/src/inspection.ts'
import type { CDPSession, Page } from 'playwright-core'
import { serveDashboard } from '../../dashboard/dev/serve.ts'
import { launchBrowser } from '../support/browser.ts'
import { quantile, type Row } from './table.ts'

const tickMs = 100
const seconds = 30
const warmUpMs = 5_000

/**
 * Main-thread time of the dashboard's page in each 100 ms, with the bundle that people get: a device of 24 that send ten times a second, its
 * six charts all visible; and a fleet of 1,000 that send once a second. Drawn in software, so more than a browser with a graphics card
 * needs.
 */
export async function charts(): Promise<Row[]> {
  const device = await measure({ devices: 24, tickMs, path: '/d/plant-1/pump-1?w=5' })
  const fleet = await measure({ devices: 1_000, tickMs: 1_000, path: '/' })
  return [
    ...rowsOf('6 charts', device),
    row('6 charts: drawn per tick', device.drawsPerTick, '', 2),
    row('6 charts: points per drawing', device.pointsPerDraw, '', 1_200),
    { ...row('6 charts: visible', device.visible, '', 6), lessIsBetter: false },
    ...rowsOf('fleet of 1,000', fleet),
  ]
}

interface Measured {
  readonly perTick: readonly number[]
  readonly heapMb: number
  readonly drawsPerTick: number
  readonly pointsPerDraw: number
  readonly visible: number
}

const rowsOf = (scene: string, { perTick, heapMb }: Measured): Row[] => [
  row(
    `${scene}: main thread per tick, mean`,
    perTick.reduce((a, b) => a + b) / perTick.length,
    'ms',
    12,
  ),
  row(`${scene}: main thread per tick, p95`, quantile(perTick, 0.95), 'ms', 12),
  row(`${scene}: heap growth`, heapMb, 'MB', 5),
]

async function measure(scene: {
  devices: number
  tickMs: number
  path: string
}): Promise<Measured> {
  const [dashboard, browser] = await Promise.all([
    serveDashboard({ ...scene, isBuilt: true }),
    launchBrowser(),
  ])
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } })
  await page.goto(dashboard.url + scene.path)
  await page.getByTestId(scene.path === '/' ? 'fleet-table' : 'chart-speed').waitFor()
  const visible = await visibleCharts(page)
  await page.waitForTimeout(warmUpMs)
  const session = await page.context().newCDPSession(page)
  const heapBefore = await heapBytes(session)
  const drawnBefore = await drawn(page)
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  await page.waitForTimeout(seconds * 1_000)
  const trace = JSON.parse((await browser.stopTracing()).toString('utf8')) as Trace
  const drawnAfter = await drawn(page)
  const heapAfter = await heapBytes(session)
  await browser.close()
  await dashboard.close()
  const draws = drawnAfter.draws - drawnBefore.draws
  return {
    perTick: busyPerTick(trace.traceEvents),
    heapMb: (heapAfter - heapBefore) / 2 ** 20,
    drawsPerTick: (draws * tickMs) / (seconds * 1_000),
    pointsPerDraw: draws === 0 ? 0 : (drawnAfter.points - drawnBefore.points) / draws,
    visible,
  }
}

/** What the page has drawn since it was opened. */
async function drawn(page: Page): Promise<{ readonly draws: number; readonly points: number }> {
  const count = await page.evaluate(() => window.__gaugeline?.drawn)
  if (!count) throw new Error('the page has no window.__gaugeline: the dashboard did not start')
  return count
}

const row = (figure: string, value: number, unit: string, limit: number): Row => ({
  figure,
  value,
  unit,
  against: 'budget',
  limit,
})

/** Charts that lie inside the part of the page that is seen. */
function visibleCharts(page: Page): Promise<number> {
  return page.evaluate(() => {
    const bottom = document.querySelector('footer.status')?.getBoundingClientRect().top ?? 0
    return [...document.querySelectorAll('canvas')].filter(
      (canvas) => canvas.getBoundingClientRect().bottom <= bottom,
    ).length
  })
}

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  return (await session.send('Runtime.getHeapUsage')).usedSize
}

/** The parts of Chromium's trace format that are read here; times in microseconds. */
interface Trace {
  readonly traceEvents: readonly TraceEvent[]
}
interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  /** Time on the processor, without the time that the machine gave to others. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** What Chromium calls the page's main thread: with a process of its own, and in the one process of the browser that npm brings. */
const MAIN_THREADS: readonly (string | undefined)[] = [
  'CrRendererMain',
  'Chrome_InProcRendererThread',
]

/** Milliseconds that the page's main thread worked in each 100 ms of the trace. */
function busyPerTick(events: readonly TraceEvent[]): number[] {
  const mains = events.filter(({ args }) => args && MAIN_THREADS.includes(args.name))
  const tasks = events
    .filter(
      ({ ph, pid, tid, name }) =>
        ph === 'X' &&
        name.endsWith('RunTask') &&
        mains.some((main) => main.pid === pid && main.tid === tid),
    )
    .sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0))
  const [first] = tasks
  if (!first) throw new Error('the trace has no work of the main thread of the page')
  const busy = Array.from({ length: (seconds * 1_000) / tickMs }, () => 0)
  let end = -Infinity
  for (const { ts, dur, tdur } of tasks) {
    // A task inside another one is part of its time: without a process of its own the page's scheduler is itself such a task.
    if (ts < end) continue
    end = ts + (dur ?? 0)
    const tick = Math.floor((ts - first.ts) / 1_000 / tickMs)
    if (tick < busy.length) busy[tick] = (busy[tick] ?? 0) + (tdur ?? dur ?? 0) / 1_000
  }
  return busy
}
