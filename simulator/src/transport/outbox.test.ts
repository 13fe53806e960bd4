import { expect, it } from 'vitest'
import { Outbox, type Queued } from './outbox.ts'

const item = (n: number): Queued => ({ reading: { n, metrics: {} }, intendedMs: n })
const numbers = (items: readonly Queued[]): (number | undefined)[] =>
  items.map(({ reading }) => reading.n)

it('drops the oldest when it is full, and counts', () => {
  const outbox = new Outbox(2)
  for (const n of [1, 2, 3]) outbox.push(item(n))
  expect(outbox.dropped).toBe(1)
  expect(numbers(outbox.take(9))).toEqual([2, 3])
})

it('puts what was not acknowledged back in front', () => {
  const outbox = new Outbox()
  for (const n of [1, 2, 3]) outbox.push(item(n))
  const sent = outbox.take(2)
  outbox.putBack(sent)
  expect(numbers(outbox.take(9))).toEqual([1, 2, 3])
})
