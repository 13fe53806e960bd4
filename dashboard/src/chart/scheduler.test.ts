import { describe, expect, it } from 'vitest'
import { PAGE_TICK_MS } from '../page-clock.ts'
import { DrawScheduler } from './scheduler.ts'

/** A page whose time is moved by hand: `tick` as the page's clock does, then the frame that was asked for. */
function page() {
  let time = 0
  let wanted: (() => void) | undefined
  let tick: (() => void) | undefined
  const state = { costMs: 1, frames: 0 }
  const drawn: string[] = []
  const scheduler = new DrawScheduler({
    now: () => time,
    request: (next) => {
      wanted = next
    },
    everyTick: (callback) => {
      tick = callback
      return () => (tick = undefined)
    },
  })
  function add(name: string, change: { isVisible?: boolean; isDirty?: boolean } = {}) {
    const drawable = {
      isVisible: () => change.isVisible ?? true,
      isDirty: () => change.isDirty ?? true,
      intervalMs: () => 3 * PAGE_TICK_MS,
      draw: () => {
        drawn.push(name)
        time += state.costMs
        return 10
      },
    }
    return { drawable, remove: scheduler.add(drawable), change }
  }
  /** What is drawn in the frame that was asked for; nothing without one. */
  function frame(): string[] {
    const before = drawn.length
    const callback = wanted
    wanted = undefined
    if (callback) state.frames++
    callback?.()
    return drawn.slice(before)
  }
  function ticks(count: number): string[][] {
    return Array.from({ length: count }, () => {
      tick?.()
      return frame()
    })
  }
  return { scheduler, add, frame, ticks, drawn, state }
}

describe('draw scheduler', () => {
  it('draws a new chart in the next frame, and none that is out of sight', () => {
    const { add, frame, ticks } = page()
    add('a')
    add('b', { isVisible: false })
    expect(frame()).toEqual(['a'])
    expect(ticks(30).flat()).not.toContain('b')
  })

  it('draws six charts in three turns of two, each once in its interval, and asks for no other frame', () => {
    const { add, frame, ticks, state } = page()
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const name of names) add(name)
    expect(frame()).toEqual(names)
    state.frames = 0
    const turns = ticks(3 * 10 + 2).slice(2)
    expect(turns.every((turn) => turn.length === 2)).toBe(true)
    for (const name of names) {
      expect(turns.flat().filter((each) => each === name)).toHaveLength(10)
    }
    expect(state.frames).toBe(30)
  })

  it('stops after 8 ms and goes on in the next frame with those that wait', () => {
    const { add, frame, state } = page()
    state.costMs = 5
    for (const name of ['a', 'b', 'c', 'd']) add(name)
    expect([frame(), frame(), frame()]).toEqual([['a', 'b'], ['c', 'd'], []])
  })

  it('draws a picture that stands still once, and again when it has changed', () => {
    const { add, frame, ticks, scheduler } = page()
    const { drawable, change } = add('a')
    frame()
    change.isDirty = false
    scheduler.soon(drawable)
    expect([frame(), ...ticks(12)].flat()).toEqual([])
    change.isDirty = true
    expect(ticks(3).flat()).toEqual(['a'])
  })

  it('draws at once what is wanted soon, also one that comes into view', () => {
    const { add, frame, scheduler } = page()
    const { drawable, change } = add('a', { isVisible: false })
    expect(frame()).toEqual([])
    change.isVisible = true
    scheduler.soon(drawable)
    expect(frame()).toEqual(['a'])
  })

  it('forgets a chart that is gone, and does nothing at all without one', () => {
    const { add, frame, ticks, state } = page()
    const { remove } = add('a')
    remove()
    frame()
    state.frames = 0
    expect(ticks(12).flat()).toEqual([])
    expect(state.frames).toBe(0)
  })

  it('counts frames, draws and points', () => {
    const { add, frame, scheduler } = page()
    add('a')
    add('b')
    frame()
    expect(scheduler.count).toEqual({ frames: 1, draws: 2, points: 20 })
  })
})
