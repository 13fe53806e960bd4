import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../errors.ts'
import { demoScenario } from './demo.ts'
import { loadScenario, parseScenario } from './load.ts'

const good = `version: 1
name: small
fleets:
  pumps: { profile: pump, site: plant-1, count: 2, id: "pump-{index}" }
`

const stages = (stage: string): string => `${good}stages: [${stage}]\n`
const fault = (one: string): string => `${good}duration: 10s\nfaults: [${one}]\n`

describe('a scenario file', () => {
  it('is read with its defaults', () => {
    const scenario = parseScenario(good, 'small.yaml')
    expect(scenario).toMatchObject({ seed: 42, faults: [] })
    expect(scenario.fleets['pumps']).toMatchObject({ interval: 1_000, first: 1 })
  })

  // The ids are those of the catalogue of bad input.
  it.each([
    ['SCENARIO-2 a tab', 'version: 1\n\tname: x', 'f.yaml:2:'],
    ['SCENARIO-2 nothing in it', '', 'f.yaml:'],
    ['SCENARIO-2 text that is no YAML', '{ version: 1', 'f.yaml:1:'],
    [
      'SCENARIO-3 an alias bomb',
      `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n`,
      'alias',
    ],
    ['SCENARIO-3 a function', 'version: !!js/function "x"', 'f.yaml:1:'],
    [
      'SCENARIO-4 an unknown key',
      good.replace('count', 'cuont'),
      'f.yaml:4:42: fleets.pumps.cuont: unknown key; did you mean count?',
    ],
    ['SCENARIO-4 a key that is like none', `${good}zzz: 1\n`, 'known are version, name, seed'],
    ['SCENARIO-5 no devices', good.replace('count: 2', 'count: 0'), 'f.yaml:4:49'],
    ['SCENARIO-5 fewer than none', good.replace('count: 2', 'count: -1'), 'from 1 to 10000'],
    ['SCENARIO-5 half a device', good.replace('count: 2', 'count: 1.5'), 'a whole number from 1'],
    ['SCENARIO-5 too many', good.replace('count: 2', 'count: 1e9'), 'from 1 to 10000'],
    ['SCENARIO-5 a count that is text', good.replace('count: 2', 'count: many'), 'f.yaml:4:'],
    [
      'SCENARIO-6 a rate of none',
      stages('{ name: a, duration: 1s, rate: 0x }'),
      'from 0.01x to 100x',
    ],
    ['SCENARIO-6 a rate below none', stages('{ name: a, duration: 1s, rate: -3x }'), 'such as 3x'],
    ['SCENARIO-6 a rate that is no number', stages('{ name: a, duration: 1s, rate: NaNx }'), '3x'],
    [
      'SCENARIO-6 more than a connection may send',
      stages('{ name: a, duration: 1s, rate: 100x }').replace(
        'count: 2',
        'count: 2, interval: 500ms',
      ),
      'f.yaml:5:41: stages.0.rate: a device would send 200 readings/s, and IoT Core takes 100/s',
    ],
    [
      'SCENARIO-6 an interval below the quota',
      good.replace('count: 2', 'count: 2, interval: 5ms'),
      '100 publishes/s',
    ],
    ['SCENARIO-7 words for a duration', `${good}duration: 5 minutes\n`, 'such as 500ms or 10m'],
    [
      'SCENARIO-7 a duration without a unit',
      `${good}duration: "5"\n`,
      'a number with ms, s, m, h or d',
    ],
    ['SCENARIO-7 a duration below none', `${good}duration: -1s\n`, 'f.yaml:5:11'],
    ['SCENARIO-7 an exponent', `${good}duration: 1e9h\n`, 'a number with ms'],
    ['SCENARIO-7 a duration without end', `${good}duration: 999999999h\n`, 'at most 24d'],
    [
      'SCENARIO-8 an id twice',
      `${good}  more: { profile: pump, site: plant-2, count: 1, id: "pump-{index}" }\n`,
      'f.yaml:5:55: device id pump-1 is in fleet pumps and in fleet more (f.yaml:4:56)',
    ],
    ['SCENARIO-8 an id without an index', good.replace('pump-{index}', 'pump'), '{index}'],
    [
      'SCENARIO-8 an id that is no thing name',
      good.replace('pump-{index}', 'p/{index}'),
      '0–9 : _ -',
    ],
    [
      'SCENARIO-9 an unknown profile',
      good.replace('profile: pump', 'profile: pmup'),
      'pump, compressor, climate',
    ],
    [
      'SCENARIO-10 an unknown fault',
      fault('{ at: 1s, kind: explode, device: pump-1 }'),
      'reconnect-storm',
    ],
    [
      'SCENARIO-10 a fault after the end',
      fault('{ at: 20s, kind: blackout, device: pump-1, duration: 1s }'),
      'f.yaml:6:16: faults.0.at: starts after the end of the scenario (10 s)',
    ],
    [
      'SCENARIO-10 a fault of nobody',
      fault('{ at: 1s, kind: reconnect-storm }'),
      'names either a device or a fleet',
    ],
    [
      'SCENARIO-10 a fault of an unknown device',
      fault('{ at: 1s, kind: blackout, device: pump-9, duration: 1s }'),
      'no fleet has device pump-9',
    ],
    [
      'SCENARIO-10 a fault of an unknown fleet',
      fault('{ at: 1s, kind: reconnect-storm, fleet: pmups }'),
      'did you mean pumps?',
    ],
    [
      'SCENARIO-10 a fault of a channel that the device has not',
      fault('{ at: 1s, kind: stuck, device: pump-1, channel: co2, duration: 1s }'),
      'a pump has no channel co2',
    ],
    [
      'SCENARIO-10 a fault of a sensor without a channel',
      fault('{ at: 1s, kind: stuck, device: pump-1, duration: 1s }'),
      'faults.0.channel: is missing',
    ],
    [
      'SCENARIO-10 a part of a device',
      fault('{ at: 1s, kind: reconnect-storm, device: pump-1, fraction: 0.5 }'),
      'name the fleet',
    ],
    [
      'SCENARIO-10 a fraction above one',
      fault('{ at: 1s, kind: reconnect-storm, fleet: pumps, fraction: 5 }'),
      'at most 1',
    ],
    [
      'SCENARIO-10 a link that is never up',
      fault('{ at: 1s, kind: flap, device: pump-1, duration: 5s, every: 1s, down: 1s }'),
      'faults.0.down',
    ],
    [
      'SCENARIO-10 a misspelt key of a fault',
      fault('{ at: 1s, kind: blackout, devcie: x }'),
      'mean device?',
    ],
    ['SCENARIO-11 a seed that is text', `${good}seed: lucky\n`, 'f.yaml:5:7: seed'],
    ['SCENARIO-11 a seed below none', `${good}seed: -1\n`, 'f.yaml:5:7: seed'],
    ['SCENARIO-13 a newer version', good.replace('version: 1', 'version: 99'), 'reads version 1'],
    [
      'stages and a duration',
      `${stages('{ name: a, duration: 1s }')}duration: 5s\n`,
      'f.yaml:6:11: duration: stages have durations of their own',
    ],
    [
      'more devices than there are',
      stages('{ name: a, duration: 1s, devices: 5 }'),
      'stages.0.devices: 5 devices, but the fleets have 2',
    ],
    ['a share above all', stages('{ name: a, duration: 1s, devices: 150% }'), 'such as 50%'],
    ['a stage without a name', stages('{ duration: 1s }'), 'stages.0.name: is missing'],
    [
      'a misspelt key of a ramp',
      stages('{ name: a, duration: 1s, devices: { form: 0, to: 2 } }'),
      'stages.0.devices.form: unknown key; did you mean from?',
    ],
    [
      'a threshold on an unknown metric',
      `${good}thresholds:\n  ack.latncy: p(95)<1s\n`,
      'f.yaml:6:3: thresholds.ack.latncy: unknown metric; did you mean ack.latency?',
    ],
    [
      'a threshold without a unit',
      `${good}thresholds:\n  ack.latency: [p(50)<1s, p(95)<250]\n`,
      'f.yaml:6:27: thresholds.ack.latency.1: "250" is no limit for ack.latency',
    ],
    [
      'a threshold on what is not measured',
      `${good}thresholds: { e2e.missing: count==0 }\n`,
      'add verify: { sample: 20 }',
    ],
    ['a threshold that is a number', `${good}thresholds: { ack.latency: 5 }\n`, 'p(95)<250ms'],
    [
      'a misspelt key of a threshold',
      `${good}thresholds: { ack.latency: { expr: "max<1s", abortOnFial: true } }\n`,
      'did you mean abortOnFail?',
    ],
    ['verify without a sample', `${good}verify: { smaple: 5 }\n`, 'did you mean sample?'],
    ['a misspelt generator', `${good}generator: { maxLga: 5s }\n`, 'did you mean maxLag?'],
  ])('with %s is refused with the place and the rule', (_, text, part) => {
    expect(() => parseScenario(text, 'f.yaml')).toThrow(UsageError)
    expect(() => parseScenario(text, 'f.yaml')).toThrow(part)
  })

  it('SCENARIO-2 may begin with a byte order mark and have the lines of Windows', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'gaugeline-scenario-')), 'windows.yaml')
    writeFileSync(path, `\uFEFF${good.replaceAll('\n', '\r\n')}`)
    expect(loadScenario(path).name).toBe('small')
  })

  it('SCENARIO-15 is found from the folder that it was named in', () => {
    const directory = mkdtempSync(join(tmpdir(), 'gaugeline-scenario-'))
    writeFileSync(join(directory, 'here.yaml'), good)
    expect(loadScenario('here.yaml', directory).name).toBe('small')
    symlinkSync('loop.yaml', join(directory, 'loop.yaml'))
    expect(() => loadScenario('loop.yaml', directory)).toThrow('cannot be read (ELOOP)')
  })

  it('SCENARIO-1 that is missing, a folder or too large is named', () => {
    expect(() => loadScenario('no-such.yaml')).toThrow('no-such.yaml: cannot be read (ENOENT)')
    expect(() => loadScenario(tmpdir())).toThrow('cannot be read (EISDIR)')
    const path = join(mkdtempSync(join(tmpdir(), 'gaugeline-scenario-')), 'large.yaml')
    writeFileSync(path, '#'.repeat(1_048_577))
    expect(() => loadScenario(path)).toThrow('at most 1 MB')
  })
})

it('the demo factory has at least 24 devices of 3 kinds on plant-1 and plant-2', () => {
  const fleets = Object.values(demoScenario().fleets)
  expect(fleets.reduce((sum, fleet) => sum + fleet.count, 0)).toBeGreaterThanOrEqual(24)
  expect(new Set(fleets.map((fleet) => fleet.profile)).size).toBe(3)
  expect(new Set(fleets.map((fleet) => fleet.site))).toEqual(new Set(['plant-1', 'plant-2']))
})
