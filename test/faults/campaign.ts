import { Command, InvalidArgumentError } from 'commander'
import { runCampaign } from './campaign-run.ts'

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a whole number, for example 50.')
}

const { seed, readings, faults, perSecond } = new Command('npm run campaign --')
  .description('Random faults on the whole local system, and what became of every reading')
  .option('--seed <number>', 'the same seed plans the same faults', whole, 1)
  .option('--readings <number>', 'to be acknowledged', whole, 100_000)
  .option('--faults <number>', 'kinds of trouble planned', whole, 50)
  .option('--per-second <number>', 'readings', whole, 2_500)
  .allowExcessArguments(false)
  .showSuggestionAfterError()
  // 1 is a campaign that found something.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ seed: number; readings: number; faults: number; perSecond: number }>()
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
