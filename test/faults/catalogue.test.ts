import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { manualClock } from '../../infra/local/platform/clock.ts'
import { createFaults, readFaultRule } from '../../infra/local/platform/faults.ts'
import { catalogue, leftOut } from './catalogue.ts'

it('draws every row FAULT-1–FAULT-56 of the fault catalogue, or says why not', () => {
  // The end of a token and a revocation are in every campaign, as its people.
  const known = new Set([
    ...catalogue.map(({ id }) => id),
    ...Object.keys(leftOut),
    'FAULT-46',
    'FAULT-47',
  ])
  const rows = Array.from({ length: 56 }, (_, i) => `FAULT-${i + 1}`)
  expect(rows.filter((id) => !known.has(id))).toEqual([])
  expect(catalogue.filter(({ id }) => id in leftOut)).toEqual([])
})

it.each(catalogue.map((kind) => [`${kind.id} ${kind.name}`, kind] as const))(
  '%s: the local runtime can do it',
  (_name, { acts }) => {
    const faults = createFaults({ clock: manualClock() })
    expect(acts.length).toBeGreaterThan(0)
    for (const act of acts) if (act.kind === 'seam') faults.add(readFaultRule(act.rule))
  },
)

it.each(Object.entries(leftOut).flatMap(([id, { test }]) => (test ? [[id, test] as const] : [])))(
  '%s is proven elsewhere',
  (_id, { file, title }) => {
    expect(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).toContain(title)
  },
)
