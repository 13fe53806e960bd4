import { afterEach, expect, it } from 'vitest'
import { chosenRegion, type Region } from './region.ts'

const here = { region: 'eu-west-1', websocket: 'wss://a.example/prod' }
const there = { region: 'us-east-1', websocket: 'wss://b.example/prod' }
const regions: readonly [Region, ...Region[]] = [here, there]
afterEach(() => localStorage.clear())

it('the page shows its own region until another is chosen', () => {
  expect(chosenRegion(regions, null)).toBe(here)
  localStorage.setItem('gaugeline.region', 'us-east-1')
  expect(chosenRegion(regions, null)).toBe(there)
})

it('a link to a region goes before what was chosen', () => {
  localStorage.setItem('gaugeline.region', 'us-east-1')
  expect(chosenRegion(regions, 'eu-west-1')).toBe(here)
})

it('a region that is gone is not followed', () => {
  localStorage.setItem('gaugeline.region', 'ap-south-1')
  expect(chosenRegion(regions, 'sa-east-1')).toBe(here)
})
