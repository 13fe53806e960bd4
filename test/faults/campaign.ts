import { parseArgs } from 'node:util'
import { runCampaign } from './campaign-run.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    readings: { type: 'string', default: '100000' },
    faults: { type: 'string', default: '50' },
    'per-second': { type: 'string', default: '1000' },
  },
})
const [seed, readings, faults, perSecond] = [
  values.seed,
  values.readings,
  values.faults,
  values['per-second'],
].map(Number)
if (
  ![seed, readings, faults, perSecond].every(
    (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  )
) {
  process.stderr.write(
    'campaign: --seed, --readings, --faults and --per-second take whole numbers\n',
  )
  process.exit(2)
}
const result = await runCampaign({
  seed: seed ?? 1,
  readings: readings ?? 1,
  faults: faults ?? 1,
  lengthMs: ((readings ?? 1) / Math.max(1, perSecond ?? 1)) * 1_000,
  log: (line) => {
    process.stderr.write(`${line}\n`)
  },
})
const { verdict } = result
process.stdout.write(
  `seed ${seed ?? 1}: ${result.acknowledged} acknowledged, ${result.faults} faults (${result.injected} injected), ${verdict.checked} pairs checked, ` +
    `${verdict.announcedLoss} lost and announced, ${verdict.silentGap.length} silently missing, ${verdict.unentitled.length} unentitled, ` +
    `${verdict.duplicatePoint.length} duplicate, ${verdict.reorderedPoint.length} disordered, ${verdict.phantom.length} phantom, ` +
    `${verdict.wrongValue.length} wrong, ${result.mutations} mutations tried, in ${result.seconds} s\n`,
)
for (const problem of result.problems) process.stdout.write(`  ${problem}\n`)
process.exitCode = result.problems.length === 0 && verdict.checked > 0 ? 0 : 1
