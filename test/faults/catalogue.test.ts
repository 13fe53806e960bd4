import { expect, it } from 'vitest'
import { catalogue, leftOut } from './catalogue.ts'

it('draws every row F01–F56 of the fault catalogue, or says why not', () => {
  // The end of a token and a revocation are in every campaign, as its people.
  const known = new Set([...catalogue.map(({ id }) => id), ...Object.keys(leftOut), 'F46', 'F47'])
  const rows = Array.from({ length: 56 }, (_, i) => `F${String(i + 1).padStart(2, '0')}`)
  expect(rows.filter((id) => !known.has(id))).toEqual([])
  expect(catalogue.filter(({ id }) => id in leftOut)).toEqual([])
})
