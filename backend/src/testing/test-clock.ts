import type { Timer } from '../core/clock.ts'
import { START_MS } from './records.ts'

/** A clock that only moves when told: by setting `ms`, or by `advance`, which runs what becomes due, in order. */
export interface TestClock extends Timer {
  ms: number
  /** Lets promises settle after each task. */
  advance(ms: number): Promise<void>
}

export function testClock(ms = START_MS + 10_000): TestClock {
  const tasks = new Set<{ readonly atMs: number; readonly task: () => void }>()
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const firstDue = (untilMs: number) =>
    [...tasks].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
  return {
    ms,
    now() {
      return this.ms
    },
    after(delayMs, task) {
      const entry = { atMs: this.ms + delayMs, task }
      tasks.add(entry)
      return () => void tasks.delete(entry)
    },
    async advance(byMs) {
      const untilMs = this.ms + byMs
      await settle()
      for (let due = firstDue(untilMs); due; due = firstDue(untilMs)) {
        this.ms = Math.max(this.ms, due.atMs)
        tasks.delete(due)
        due.task()
        await settle()
      }
      this.ms = untilMs
    },
  }
}
