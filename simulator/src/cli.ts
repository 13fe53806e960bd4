import { Command, CommanderError } from 'commander'
import { writeFirstScenario } from './cli/init.ts'
import { deviceCount, duration, withRunFlags, type PlanFlags, type RunFlags } from './cli/flags.ts'
import { jsonSchemaOf } from './cli/json-schema.ts'
import { simulate } from './cli/simulate.ts'
import type { Terminal } from './cli/terminal.ts'
import { UsageError } from './errors.ts'
import { planOf } from './plan/plan.ts'
import { planText } from './plan/plan-text.ts'
import { adaptScenario } from './scenario/adapt.ts'
import { demoScenario } from './scenario/demo.ts'
import { describeScenario } from './scenario/describe.ts'
import { loadScenario } from './scenario/load.ts'

/**
 * Runs one command line. Returns the exit code: 0 done or PASS, 2 usage, 3 nothing could connect, 98 INVALID, 99 a threshold does not hold,
 * 130 interrupted before the planned end.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const outcome = { exitCode: 0 }
  const program = buildProgram(terminal, { args, outcome })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof UsageError) {
      terminal.err(`simulate: ${error.message}\n`)
      return 2
    }
    throw error
  }
}

interface Call {
  readonly args: readonly string[]
  readonly outcome: { exitCode: number }
}

function buildProgram(terminal: Terminal, { args, outcome }: Call): Command {
  const program = new Command('simulate')
    .description(
      'Simulated devices that publish believable telemetry over MQTT, and load runs with a verdict',
    )
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
  withRunFlags(program.command('demo').description('the small demo factory')).action(
    async (flags: RunFlags) => {
      outcome.exitCode = await simulate(demoScenario(), flags, { args, terminal })
    },
  )
  withRunFlags(program.command('run <scenario>').description('a scenario file (YAML)')).action(
    async (path: string, flags: RunFlags) => {
      const scenario = loadScenario(path, terminal.directory)
      outcome.exitCode = await simulate(scenario, flags, { args, terminal })
    },
  )
  program
    .command('validate <scenario>')
    .description('checks a scenario file without running it')
    .action((path: string) => {
      const scenario = loadScenario(path, terminal.directory)
      terminal.out(`${path}: ok, ${describeScenario(scenario)}\n`)
    })
  program
    .command('plan <scenario>')
    .description('what a scenario comes to: load, time, memory, quotas and cost; nothing is sent')
    .option('--devices <count>', 'so many in all, in the proportions of the scenario', deviceCount)
    .option('--duration <time>', 'stages shrink or grow to it', duration)
    .option('--json', 'as JSON')
    .action((path: string, flags: PlanFlags) => {
      const scenario = adaptScenario(loadScenario(path, terminal.directory), {
        ...flags,
        threshold: [],
      })
      const plan = planOf(scenario)
      terminal.out(flags.json === true ? `${JSON.stringify(plan)}\n` : planText(plan))
    })
  program
    .command('init [file]')
    .description('writes a scenario with comments, to begin with (default: scenario.yaml)')
    .action((file = 'scenario.yaml') => {
      writeFirstScenario(file as string, terminal)
    })
  program
    .command('schema [of]')
    .description('prints the JSON Schema of a scenario file, or of a report (schema report)')
    .action(async (of = 'scenario') => {
      terminal.out(`${JSON.stringify(await jsonSchemaOf(of as string), null, 2)}\n`)
    })
  return program
}
