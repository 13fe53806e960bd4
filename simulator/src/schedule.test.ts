import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Schedule } from './schedule.ts'

it('gives items in the order of their due times', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000 })), (dues) => {
      const schedule = new Schedule<number>()
      for (const due of dues) schedule.add(due, due)
      const taken: number[] = []
      for (let next = schedule.takeDue(Infinity); next; next = schedule.takeDue(Infinity))
        taken.push(next.item)
      expect(taken).toEqual([...dues].sort((a, b) => a - b))
    }),
  )
})

it('keeps what is not due yet', () => {
  const schedule = new Schedule<string>()
  schedule.add(10, 'later')
  expect(schedule.takeDue(9)).toBeUndefined()
  expect(schedule.takeDue(10)?.item).toBe('later')
  expect(schedule.size).toBe(0)
})
