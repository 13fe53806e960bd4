import { expect, it } from 'vitest'
import { levers, prices, PRICES_MAX_AGE_DAYS, pricesAsOf } from '../../simulator/src/plan/prices.ts'

const ageDays = (nowMs: number): number => (nowMs - Date.parse(pricesAsOf)) / 86_400_000

it('the price table was looked up within twelve months', () => {
  const days = Math.round(ageDays(Date.now()))
  expect(
    days,
    `simulator/src/plan/prices.ts is of ${pricesAsOf}: look the prices up again`,
  ).toBeLessThanOrEqual(PRICES_MAX_AGE_DAYS)
  expect(days).toBeGreaterThanOrEqual(0)
})

it('every price is positive, has a unit and a dated source, and a lever', () => {
  for (const [billed, { dollars, unit, source }] of Object.entries(prices)) {
    expect(dollars, billed).toBeGreaterThan(0)
    expect(unit, billed).not.toBe('')
    expect(source, billed).toMatch(/20\d\d/)
    expect(levers).toHaveProperty(billed)
  }
})
