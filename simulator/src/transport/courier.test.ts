import { beforeEach, expect, it } from 'vitest'
import { Courier } from './courier.ts'

let nowMs: number
let isConnected: boolean
let sent: { readonly payload: string; readonly answer: (isAcknowledged: boolean) => void }[]
let acked: [number | undefined, number, number][]
let dropped: number
let courier: Courier
beforeEach(() => {
  nowMs = 1_000
  isConnected = true
  sent = []
  acked = []
  dropped = 0
  courier = new Courier({
    publish: (payload) => new Promise((answer) => void sent.push({ payload, answer })),
    isConnected: () => isConnected,
    acked: ({ reading, intendedMs }, sentMs, ackMs) =>
      void acked.push([reading.n, sentMs - intendedMs, ackMs - intendedMs]),
    dropped: () => void dropped++,
    now: () => nowMs,
  })
})

function take(...counters: number[]): void {
  for (const n of counters) courier.take({ n, metrics: {} }, 1_000)
}

async function answer(index: number, isAcknowledged: boolean): Promise<void> {
  sent[index]?.answer(isAcknowledged)
  await Promise.resolve()
  await Promise.resolve()
}

it('counts a reading from the instant it was due to its sending and to its acknowledgement', async () => {
  nowMs = 1_030
  take(1)
  nowMs = 1_050
  await answer(0, true)
  expect(acked).toEqual([[1, 30, 50]])
  expect(courier.buffered).toBe(0)
})

it('keeps what was not acknowledged and sends it again, in one message', async () => {
  take(1, 2)
  isConnected = false
  await answer(0, false)
  await answer(1, false)
  take(3)
  expect(courier.buffered).toBe(3)
  isConnected = true
  courier.flush()
  const numbers = (JSON.parse(sent[2]?.payload ?? '') as { n: number }[]).map(({ n }) => n)
  expect(numbers).toEqual([1, 2, 3])
})

it('has at most 20 readings in flight when each is its own message', () => {
  take(...Array.from({ length: 30 }, (_, index) => index))
  expect(sent).toHaveLength(20)
  expect(courier.buffered).toBe(30)
})

it('says when nothing waits any more', async () => {
  take(1, 2)
  let isIdle = false
  void courier.whenIdle().then(() => (isIdle = true))
  await answer(0, true)
  expect(isIdle).toBe(false)
  await answer(1, true)
  expect(isIdle).toBe(true)
})

it('counts what a full buffer throws away', () => {
  isConnected = false
  take(...Array.from({ length: 3_605 }, (_, index) => index))
  expect(dropped).toBe(5)
  expect(courier.buffered).toBe(3_600)
})
