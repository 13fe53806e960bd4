import { expect, it } from 'vitest'
import { encodePosition } from '../../protocol/index.ts'
import { unknownHead } from './device-head.ts'
import { newestReadingAge } from './newest-reading.ts'

const nowMs = Date.UTC(2026, 10, 23, 3, 0, 0)
const S = 1_000
const H = 3_600 * S
/** A device that usually sends every `pauseMs` and was heard so long ago. */
const headAt = (agoMs: number, pauseMs = S) => ({
  ...unknownHead(),
  position: encodePosition(nowMs - agoMs, '1'),
  rhythm: { pauseMs },
})
const once = (agoMs: number) => {
  const { rhythm: _, ...head } = headAt(agoMs)
  return head
}

const ageOf = (...heads: (ReturnType<typeof headAt> | ReturnType<typeof once>)[]) =>
  newestReadingAge({
    clock: { now: () => nowMs },
    history: {
      heads: () =>
        Promise.resolve(new Map(heads.map((head, index) => [`plant-1/d-${index}` as never, head]))),
    },
  })

it('the newest reading of all devices counts, from when the next one was due', async () => {
  expect(await ageOf(headAt(2 * H), headAt(12 * S), headAt(90 * S))).toBe(10)
})

it('a fleet that never sent, or not for a day, has no age', async () => {
  expect(await ageOf()).toBeUndefined()
  expect(await ageOf(headAt(24 * H + 3 * S))).toBeUndefined()
  expect(await ageOf(headAt(24 * H + S))).toBe(24 * 3_600 - 1)
})

it('a fleet of battery devices is not silent between its readings, and is after them', async () => {
  expect(await ageOf(headAt(50 * 60 * S, H), headAt(55 * 60 * S, 12 * H))).toBe(0)
  expect(await ageOf(headAt(3 * H, H), headAt(3 * H + S, 12 * H))).toBe(3_600)
})

it('a device that sends hourly does not hide the silence of those that send each second', async () => {
  expect(await ageOf(headAt(10 * 60 * S, S), headAt(40 * 60 * S, H))).toBe(598)
  expect(await ageOf(headAt(10 * 60 * S, S), headAt(11 * 60 * S, H))).toBe(598)
})

it('a device that went long ago, however often it used to send, is not waited for', async () => {
  expect(await ageOf(headAt(9 * H, S), headAt(30 * 60 * S, H))).toBe(0)
})

it('nobody waits for a second reading of who sent one', async () => {
  expect(await ageOf(once(10 * 60 * S))).toBeUndefined()
  expect(await ageOf(once(10 * 60 * S), headAt(30 * 60 * S, H))).toBe(0)
})
