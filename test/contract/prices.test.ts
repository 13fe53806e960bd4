import { expect, it } from 'vitest'
import { levers, prices, pricesAsOf, pricesWarning } from '../../simulator/src/plan/prices.ts'

it('a table that is older than twelve months is said to be, with its date and its file', () => {
  const lookedUpMs = Date.parse(pricesAsOf)
  const day = 86_400_000
  expect(pricesWarning(lookedUpMs + 365 * day)).toBeUndefined()
  expect(pricesWarning(lookedUpMs + 366 * day)).toBe(
    `The prices are of ${pricesAsOf}, 366 days ago: look them up again (simulator/src/plan/prices.ts).`,
  )
})

it('every price is positive, has a unit and a dated source, and a lever', () => {
  for (const [billed, { dollars, unit, source }] of Object.entries(prices)) {
    expect(dollars, billed).toBeGreaterThan(0)
    expect(unit, billed).not.toBe('')
    expect(source, billed).toMatch(/20\d\d/)
    expect(levers).toHaveProperty(billed)
  }
})
