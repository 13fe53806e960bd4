import { describe, expect, it } from 'vitest'
import { UsageError } from '../errors.ts'
import { demoScenario } from './demo.ts'
import { loadScenario, parseScenario } from './load.ts'

const good = `version: 1
name: small
fleets:
  pumps: { profile: pump, site: plant-1, count: 2, id: "pump-{index}" }
`

describe('a scenario file', () => {
  it('is read with its defaults', () => {
    const scenario = parseScenario(good, 'small.yaml')
    expect(scenario).toMatchObject({ seed: 42, faults: [] })
    expect(scenario.fleets['pumps']).toMatchObject({ interval: 1_000, first: 1 })
  })

  it.each([
    ['a tab', 'version: 1\n\tname: x', 'f.yaml:2:'],
    ['an empty file', '', 'f.yaml:'],
    ['a newer version', good.replace('version: 1', 'version: 99'), 'version 1'],
    ['an unknown key', good.replace('count', 'cuont'), 'cuont'],
    ['no devices', good.replace('count: 2', 'count: 0'), 'f.yaml:4:'],
    ['a count that is text', good.replace('count: 2', 'count: many'), 'f.yaml:4:'],
    [
      'a duration without a unit',
      good.replace('count: 2', 'count: 2, interval: "5"'),
      'a duration is a number with ms',
    ],
    [
      'an unknown profile',
      good.replace('profile: pump', 'profile: pmup'),
      'pump, compressor, climate',
    ],
    ['an id without an index', good.replace('pump-{index}', 'pump'), '{index}'],
    [
      'two fleets with one id',
      `${good}  more: { profile: pump, site: plant-2, count: 1, id: "pump-{index}" }\n`,
      'pump-1 is in fleet pumps and in fleet more',
    ],
    [
      'an alias bomb',
      `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n`,
      'alias',
    ],
    ['a function', 'version: !!js/function "x"', 'f.yaml:1:'],
    [
      'a fault after the end',
      `${good}duration: 10s\nfaults: [{ at: 20s, kind: stuck, device: pump-1, channel: flow, duration: 1s }]\n`,
      'after the end',
    ],
  ])('with %s is refused with the place and the rule', (_, text, part) => {
    expect(() => parseScenario(text, 'f.yaml')).toThrow(UsageError)
    expect(() => parseScenario(text, 'f.yaml')).toThrow(part)
  })

  it('that is missing is named', () => {
    expect(() => loadScenario('no-such.yaml')).toThrow('no-such.yaml: cannot be read (ENOENT)')
  })
})

it('the demo factory has at least 24 devices of 3 kinds on plant-1 and plant-2', () => {
  const fleets = Object.values(demoScenario().fleets)
  expect(fleets.reduce((sum, fleet) => sum + fleet.count, 0)).toBeGreaterThanOrEqual(24)
  expect(new Set(fleets.map((fleet) => fleet.profile)).size).toBe(3)
  expect(new Set(fleets.map((fleet) => fleet.site))).toEqual(new Set(['plant-1', 'plant-2']))
})
