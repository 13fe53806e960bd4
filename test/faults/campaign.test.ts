import { expect, it } from 'vitest'
import { runCampaign } from './campaign-run.ts'

/**
 * One of two in `npm test`, both in `npm run nightly`. Seeds that once failed stay here: 1 did, when the dashboards asked for all that they had missed at once and got nothing of it in time.
 * 4 did too, and is a test of milliseconds instead of a minute: “misses the first reading of a device that had never sent” in
 * dashboard/src/stream/telemetry.test.ts.
 */
const seeds = process.env['GAUGELINE_NIGHTLY'] === undefined ? [1] : [1, 20_261_123]

it.each(seeds)(
  'seed %i: nothing acknowledged is lost silently, shown twice, out of order or to the wrong person',
  { timeout: 600_000 },
  async (seed) => {
    const lines: string[] = []
    const { verdict, problems, mutations, poison, filtered, acknowledged, faults, injected } =
      await runCampaign({
        seed,
        readings: 20_000,
        faults: 32,
        lengthMs: 45_000,
        log: (line) => lines.push(line),
      })
    expect(problems, lines.join('\n')).toEqual([])
    expect(mutations).toBeGreaterThanOrEqual(11)
    expect(acknowledged).toBeGreaterThanOrEqual(20_000)
    expect(verdict.checked).toBeGreaterThanOrEqual(40_000)
    expect(faults).toBeGreaterThanOrEqual(30)
    expect([...injected.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(30)
    expect(poison).toBeGreaterThan(0)
    expect(filtered).toBeGreaterThan(100)
  },
)
