import { type Block, encodePosition } from '@gaugeline/backend/protocol'
import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LineChart, Picture } from '../chart/line-chart.ts'
import type { RecordedMessage } from '../stream/recorded-client.ts'
import { alarms, fleet, now, open, say, welcome, withPages } from './open-page.ts'

withPages()

const METRICS = ['temperature', 'pressure', 'flow', 'vibration', 'current', 'speed']
const PIXELS = 400
const TICK_MS = 125
const pictures: Picture[] = []

/** A chart as wide as the budget's, which only notes what it is to draw. */
const recorder = (): LineChart => ({
  draw: (picture) => pictures.push(picture),
  area: () => ({ left: 52, right: 52 + PIXELS, top: 6, bottom: 200 }),
  drawn: () => undefined,
  destroy: () => undefined,
})

/** Whether a canvas is on screen; happy-dom does not know. */
let isOnScreen: (canvas: Element) => boolean = () => true
const observers = new Set<() => void>()
class Observer {
  readonly #callback: (entries: unknown[]) => void
  constructor(callback: (entries: unknown[]) => void) {
    this.#callback = callback
  }
  observe(target: Element): void {
    const look = (): void =>
      this.#callback([{ target, isIntersecting: isOnScreen(target), time: 0 }])
    observers.add(look)
    look()
  }
  unobserve(): void {
    return
  }
  disconnect(): void {
    return
  }
}

beforeEach(() => {
  pictures.length = 0
  isOnScreen = () => true
  vi.stubGlobal('IntersectionObserver', Observer)
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => queueMicrotask(callback))
})
afterEach(() => {
  vi.unstubAllGlobals()
  observers.clear()
})

const at = (n: number): string => encodePosition(now - 300_000 + n * 100, String(1_000_000 + n))

/** The readings `from`…`to` of a device that sends ten a second, the first of them five minutes ago. */
function block(from: number, to: number): Block {
  const rows = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  return {
    sid: 1_000,
    topic: 'plant-1/pump-1',
    prev: at(from - 1),
    position: at(to),
    ts: rows.map((n) => now - 300_000 + n * 100),
    metrics: Object.fromEntries(METRICS.map((metric) => [metric, rows.map((n) => n % 17)])),
  }
}

const device = say({
  type: 'subscribed',
  id: 3,
  results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: at(3_000) }],
  blocks: [block(1, 3_000)],
  states: [],
  notes: [],
})
/** Ten seconds of ten readings a second. */
const live: RecordedMessage[] = Array.from({ length: 100 }, (_, i) => ({
  afterMs: 700 + i * 100,
  message: { type: 'data', blocks: [block(3_001 + i, 3_001 + i)] },
}))

async function openDevice(query = 'w=5') {
  const recording = [welcome(['viewer']), fleet, device, alarms, ...live]
  vi.useFakeTimers({
    now,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  })
  return open(`/d/plant-1/pump-1?${query}`, recording, { makeChart: recorder })
}
/** How many charts are drawn in each of the next ticks of the page. */
async function drawsPerTick(ticks: number): Promise<number[]> {
  const counts: number[] = []
  for (let n = 0; n < ticks; n++) {
    const before = pictures.length
    await vi.advanceTimersByTimeAsync(TICK_MS)
    await flushPromises()
    counts.push(pictures.length - before)
  }
  return counts
}

describe('what a page with six charts draws', () => {
  it('draws one chart in a tick, each once in its turn, at two points for a pixel at most', async () => {
    await openDevice()
    expect(new Set(pictures.map(({ columns }) => columns.x.length > 0)).has(true)).toBe(true)
    await drawsPerTick(6)
    pictures.length = 0
    const counts = await drawsPerTick(60)
    expect(Math.max(...counts)).toBe(1)
    expect(pictures).toHaveLength(60)
    for (const line of new Set(pictures.map(({ colors }) => colors.line))) {
      expect(pictures.filter(({ colors }) => colors.line === line).length % 10).toBe(0)
    }
    const points = pictures.map(({ columns }) => columns.x.length)
    expect(Math.max(...points)).toBeLessThanOrEqual(2 * PIXELS)
    expect(Math.min(...points)).toBeGreaterThan(PIXELS / 2)
  })

  it('draws no chart that is out of sight', async () => {
    await openDevice()
    const canvases = [...document.querySelectorAll('canvas')]
    isOnScreen = (canvas) => canvases.indexOf(canvas as HTMLCanvasElement) < 2
    for (const look of observers) look()
    await drawsPerTick(6)
    const counts = await drawsPerTick(60)
    // Two charts, each once in six ticks, or a tick more where both are due at once.
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(20)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(16)
  })

  it('draws nothing while the page is hidden', async () => {
    await openDevice()
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
    expect((await drawsPerTick(40)).every((count) => count === 0)).toBe(true)
  })

  it('draws a paused window once, and not again for readings that lie outside of it', async () => {
    await openDevice(`w=3&at=${now - 60_000}`)
    await drawsPerTick(6)
    const counts = await drawsPerTick(24)
    expect(counts.every((count) => count === 0)).toBe(true)
  })
})
