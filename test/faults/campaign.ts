import { parseArgs } from 'node:util'
import { runCampaign } from './campaign-run.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    readings: { type: 'string', default: '100000' },
    faults: { type: 'string', default: '50' },
    'per-second': { type: 'string', default: '2500' },
  },
})
const [seed = 1, readings = 1, faults = 1, perSecond = 1] = [
  values.seed,
  values.readings,
  values.faults,
  values['per-second'],
].map(Number)
if (
  ![seed, readings, faults, perSecond].every((value) => Number.isSafeInteger(value) && value >= 0)
) {
  process.stderr.write(
    'campaign: --seed, --readings, --faults and --per-second take whole numbers\n',
  )
  process.exit(2)
}
const result = await runCampaign({
  seed,
  readings,
  faults,
  lengthMs: (readings / Math.max(1, perSecond)) * 1_000,
  log: (line) => {
    process.stderr.write(`${line}\n`)
  },
})
const { verdict, injected, problems } = result
const total = [...injected.values()].reduce((sum, count) => sum + count, 0)
const exitCode = problems.length === 0 && verdict.checked > 0 ? 0 : 1
for (const [what, count] of [...injected].sort()) process.stdout.write(`  ${what}: ${count}\n`)
for (const problem of problems) process.stdout.write(`  PROBLEM ${problem}\n`)
process.stdout.write(
  `seed ${seed}: ${result.acknowledged} acknowledged, ${verdict.announcedLoss} lost and announced, ${verdict.silentGap.length} silently missing, ` +
    `${verdict.unentitled.length} unentitled, ${verdict.duplicatePoint.length} duplicate, ${verdict.reorderedPoint.length} disordered, ` +
    `${verdict.phantom.length} phantom, ${verdict.wrongValue.length} wrong, ${verdict.checked} pairs checked, ${result.filtered} filtered rows, ` +
    `${result.poison} poison, ${result.mutations} mutations caught, ${result.faults} faults (${total} injected, ${injected.size} kinds), ` +
    `${result.seconds} s, exit ${exitCode}\n`,
)
process.exitCode = exitCode
