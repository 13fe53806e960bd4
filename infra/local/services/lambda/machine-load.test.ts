import type { EventLoopUtilization } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { createMachineLoad } from './machine-load.ts'

/** A machine of two cores whose process has other threads beside its main one, which does nothing here that counts. */
function setUp(threadCount: number) {
  let nowMs = 0
  const activeMs = Array.from({ length: threadCount }, () => 0)
  const load = createMachineLoad({ cores: 2, nowMs: () => nowMs })
  const unwatch = activeMs.map((_, index) =>
    load.watch({
      utilization: (): EventLoopUtilization => ({
        active: activeMs[index] ?? 0,
        idle: 0,
        utilization: 0,
      }),
    }),
  )
  /** Seconds pass, in which each thread is busy for a share of the time. */
  const pass = (ms: number, shares: readonly number[]): void => {
    nowMs += ms
    shares.forEach((share, index) => (activeMs[index] = (activeMs[index] ?? 0) + share * ms))
  }
  return { load, pass, unwatch }
}

describe('createMachineLoad', () => {
  it('sees room while the threads leave a whole core', () => {
    const { load, pass } = setUp(3)
    pass(10_000, [0.3, 0.3, 0.3])
    expect(load.hasRoom()).toBe(true)
  })

  it('sees none when they leave less, however long each waits for its turn', () => {
    const { load, pass } = setUp(3)
    pass(10_000, [0.6, 0.3, 0.3])
    expect(load.hasRoom()).toBe(false)
  })

  it('forgets a busy time as soon as it is over', () => {
    const { load, pass } = setUp(2)
    pass(10_000, [1, 1])
    expect(load.hasRoom()).toBe(false)
    pass(10_000, [0, 0])
    expect(load.hasRoom()).toBe(true)
  })

  it('does not judge by less than a quarter of a second', () => {
    const { load, pass } = setUp(2)
    pass(249, [1, 1])
    expect(load.hasRoom()).toBe(true)
    pass(9_751, [1, 1])
    expect(load.hasRoom()).toBe(false)
  })

  it('counts no thread that has ended', () => {
    const { load, pass, unwatch } = setUp(2)
    unwatch[0]?.()
    pass(10_000, [1, 0.9])
    expect(load.hasRoom()).toBe(true)
  })
})
