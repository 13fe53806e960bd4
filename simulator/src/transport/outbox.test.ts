import { expect, it } from 'vitest'
import { Outbox, type Queued } from './outbox.ts'

const item = (n: number): Queued => ({ reading: { n, metrics: {} }, intendedMs: n })
const numbers = (items: readonly Queued[]): (number | undefined)[] =>
  items.map(({ reading }) => reading.n)

it('drops the oldest when it is full, and counts', () => {
  const dropped: Queued[] = []
  const outbox = new Outbox((one) => dropped.push(one), 2)
  for (const n of [1, 2, 3]) outbox.push(item(n))
  expect(numbers(dropped)).toEqual([1])
  expect(numbers(outbox.take(9))).toEqual([2, 3])
})

it('puts what was not acknowledged back in front', () => {
  const outbox = new Outbox(() => undefined)
  for (const n of [1, 2, 3]) outbox.push(item(n))
  const sent = outbox.take(2)
  outbox.putBack(sent)
  expect(numbers(outbox.take(9))).toEqual([1, 2, 3])
})

it('several that fail one after the other keep their order, whatever came meanwhile', () => {
  const outbox = new Outbox(() => undefined)
  for (const n of [1, 2, 3, 4]) outbox.push(item(n))
  const [first, second] = [outbox.take(1), outbox.take(2)]
  outbox.push(item(5))
  outbox.putBack(first)
  outbox.putBack(second)
  expect(numbers(outbox.take(9))).toEqual([1, 2, 3, 4, 5])
})
