import { expect, it } from 'vitest'
import { settled } from './manual-clock.ts'
import { Turns } from './turns.ts'

it('runs so many at once, in order, and goes on after a failure', async () => {
  const turns = new Turns(2)
  const begun: number[] = []
  const ends: ((isWell: boolean) => void)[] = []
  const run = (n: number): Promise<number> =>
    turns.take(() => {
      begun.push(n)
      return new Promise((resolve, reject) =>
        ends.push((isWell) => {
          if (isWell) resolve(n)
          else reject(new Error(`${n} failed`))
        }),
      )
    })
  const results = Promise.allSettled([1, 2, 3, 4].map(run))
  await settled()
  expect(begun).toEqual([1, 2])
  ends[1]?.(false)
  await settled()
  expect(begun).toEqual([1, 2, 3])
  ends[0]?.(true)
  ends[2]?.(true)
  await settled()
  ends[3]?.(true)
  expect((await results).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ])
  const last = run(5)
  expect(begun).toEqual([1, 2, 3, 4, 5])
  ends[4]?.(true)
  expect(await last).toBe(5)
})
