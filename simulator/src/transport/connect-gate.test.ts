import { expect, it } from 'vitest'
import { ConnectGate } from './connect-gate.ts'

it('lets so many in at once, and the next one when one leaves, in the order of asking', () => {
  const gate = new ConnectGate(2)
  const begun: number[] = []
  const leave = [1, 2, 3, 4].map((n) => gate.enter(() => begun.push(n)))
  expect(begun).toEqual([1, 2])
  leave[1]?.()
  expect(begun).toEqual([1, 2, 3])
  leave[1]?.()
  expect(begun).toEqual([1, 2, 3])
  leave[0]?.()
  expect(begun).toEqual([1, 2, 3, 4])
})

it('who leaves while he waits is not let in, and takes no room', () => {
  const gate = new ConnectGate(1)
  const begun: number[] = []
  const leave = [1, 2, 3].map((n) => gate.enter(() => begun.push(n)))
  leave[1]?.()
  leave[0]?.()
  expect(begun).toEqual([1, 3])
  leave[2]?.()
  gate.enter(() => begun.push(4))
  expect(begun).toEqual([1, 3, 4])
})
