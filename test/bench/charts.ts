import type { CDPSession, Page } from 'playwright-core'
import { serveDashboard } from '../../dashboard/dev/serve.ts'
import { launchBrowser } from '../support/browser.ts'
import { quantile, type Row } from './table.ts'

const tickMs = 100
const seconds = 30
const warmUpMs = 5_000

/**
 * Main-thread time of the dashboard's page per tick of the data: 24 devices that send ten times a second, one of them open with its six
 * charts, all of them visible. Vue in development mode, software rendering: more than a person's browser needs.
 */
export async function charts(): Promise<Row[]> {
  const [dashboard, browser] = await Promise.all([
    serveDashboard({ devices: 24, tickMs }),
    launchBrowser(),
  ])
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } })
  await page.goto(`${dashboard.url}/d/plant-1/pump-1?w=5`)
  await page.getByTestId('chart-speed').waitFor()
  const shown = await visibleCharts(page)
  await page.waitForTimeout(warmUpMs)
  const session = await page.context().newCDPSession(page)
  const heapBefore = await heapBytes(session)
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  await page.waitForTimeout(seconds * 1_000)
  const trace = JSON.parse((await browser.stopTracing()).toString('utf8')) as Trace
  const heapAfter = await heapBytes(session)
  await browser.close()
  await dashboard.close()
  const perTick = busyPerTick(trace.traceEvents)
  const total = perTick.reduce((sum, ms) => sum + ms, 0)
  return [
    row('main thread per tick, mean', total / perTick.length, 'ms', 12),
    row('main thread per tick, p95', quantile(perTick, 0.95), 'ms', 12),
    row('heap growth', (heapAfter - heapBefore) / 2 ** 20, 'MB', 5),
    { ...row('charts visible', shown, '', 6), lessIsBetter: false },
  ]
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
  const tasks = events.filter(
    ({ ph, pid, tid, name }) =>
      ph === 'X' &&
      name.endsWith('RunTask') &&
      mains.some((main) => main.pid === pid && main.tid === tid),
  )
  if (tasks.length === 0) throw new Error('the trace has no work of the main thread of the page')
  const start = Math.min(...tasks.map(({ ts }) => ts))
  const busy = Array.from({ length: (seconds * 1_000) / tickMs }, () => 0)
  for (const { ts, dur, tdur } of tasks) {
    const tick = Math.floor((ts - start) / 1_000 / tickMs)
    if (tick < busy.length) busy[tick] = (busy[tick] ?? 0) + (tdur ?? dur ?? 0) / 1_000
  }
  return busy
}
