import { expect, it } from 'vitest'
import { encodePosition } from '../../protocol/index.ts'
import { unknownHead } from './device-head.ts'
import { newestReadingAge } from './newest-reading.ts'

const nowMs = Date.UTC(2026, 10, 23, 3, 0, 0)
const headAt = (agoSeconds: number) => ({
  ...unknownHead('c'),
  position: encodePosition(nowMs - agoSeconds * 1_000, '1'),
})

const ageOf = (...heads: ReturnType<typeof headAt>[]) =>
  newestReadingAge({
    clock: { now: () => nowMs },
    history: {
      heads: () =>
        Promise.resolve(new Map(heads.map((head, index) => [`plant-1/d-${index}` as never, head]))),
    },
  })

it('the newest reading of all devices counts', async () => {
  expect(await ageOf(headAt(7_200), headAt(12), headAt(90))).toBe(12)
})

it('a fleet that never sent, or not for a day, has no age', async () => {
  expect(await ageOf()).toBeUndefined()
  expect(await ageOf(headAt(24 * 3_600 + 1))).toBeUndefined()
  expect(await ageOf(headAt(24 * 3_600 - 1))).toBe(24 * 3_600 - 1)
})
