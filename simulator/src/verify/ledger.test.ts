import type { Block } from '@gaugeline/backend/protocol'
import { expect, it } from 'vitest'
import { Ledger } from './ledger.ts'

const topic = 'plant-1/pump-1'
const block = (n: readonly (number | null)[], change: Partial<Block> = {}): Block => ({
  topic,
  prev: null,
  position: 'x',
  boot: 'b1',
  n,
  ts: n.map((counter) => 1_000 + (counter ?? 0)),
  metrics: {},
  ...change,
})

function acked(ledger: Ledger, ...counters: number[]): void {
  for (const n of counters) ledger.acked({ topic, boot: 'b1', n })
}

it('tells what was pushed from what only the history has and from what is in neither', () => {
  const ledger = new Ledger([topic])
  acked(ledger, 1, 2, 3, 4)
  ledger.pushed(block([1, 2]), () => undefined)
  expect(ledger.unseen()).toEqual([topic])
  ledger.found(block([1, 2, 3]))
  expect(ledger.counts()).toMatchObject({
    acknowledged: 4,
    pushed: 2,
    recovered: 1,
    missing: 1,
    duplicate: 0,
  })
})

it('a reading may be pushed before its acknowledgement is known', () => {
  const ledger = new Ledger([topic])
  ledger.pushed(block([1]), () => undefined)
  acked(ledger, 1)
  expect(ledger.unseen()).toEqual([])
  expect(ledger.counts()).toMatchObject({ acknowledged: 1, missing: 0 })
})

it('a reading that comes again is counted, and only the first time is new', () => {
  const ledger = new Ledger([topic])
  const times: number[] = []
  for (const counters of [[1, 2], [2]]) ledger.pushed(block(counters), (ts) => times.push(ts))
  expect(times).toEqual([1_001, 1_002])
  expect(ledger.duplicate).toBe(1)
})

it('a device that began again is not taken for its former self', () => {
  const ledger = new Ledger([topic])
  acked(ledger, 1)
  ledger.pushed(block([1], { boot: 'b2' }), () => undefined)
  expect(ledger.counts()).toMatchObject({ acknowledged: 1, missing: 1 })
})

it('counters far apart and devices that are not watched are no trouble', () => {
  const ledger = new Ledger([topic])
  acked(ledger, 1, 100_000)
  ledger.acked({ topic: 'plant-1/other', boot: 'b1', n: 1 })
  ledger.pushed(block([1, null, 100_000]), () => undefined)
  ledger.pushed(block([7], { topic: 'plant-1/other' }), () => undefined)
  ledger.pushed(block([7], { boot: null }), () => undefined)
  expect(ledger.counts()).toMatchObject({
    acknowledged: 2,
    recovered: 0,
    missing: 0,
    duplicate: 0,
  })
})

it('what was under way when the subscriber lost its connection is not held against the pushes', () => {
  const ledger = new Ledger([topic])
  acked(ledger, 1, 2)
  ledger.pushed(block([1]), () => undefined)
  ledger.unwatched()
  ledger.acked({ topic, boot: 'b1', n: 3 }, false)
  acked(ledger, 4)
  expect(ledger.counts()).toMatchObject({ acknowledged: 4, watched: 2, pushed: 1 })
})

it('a fan-out that pushes few and leaves the rest to the history is told by the share and by latency', () => {
  const ledger = new Ledger([topic])
  acked(ledger, 1, 2, 3, 4)
  ledger.pushed(block([1]), () => undefined)
  const late: number[] = []
  ledger.found(block([1, 2, 3, 4]), (ts) => late.push(ts))
  expect(ledger.counts()).toMatchObject({ watched: 4, pushed: 1, recovered: 3, missing: 0 })
  expect(late).toEqual([1_002, 1_003, 1_004])
})

it('what could not be looked up is not called missing', () => {
  const ledger = new Ledger([topic])
  acked(ledger, 1, 2)
  ledger.pushed(block([1]), () => undefined)
  ledger.unverified(topic)
  expect(ledger.counts()).toMatchObject({ missing: 0, unverified: 1 })
})
