import { existsSync, readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { UsageError } from './errors.ts'
import { runScenario } from './fleet.ts'
import { demoScenario } from './scenario/demo.ts'
import { parseDuration } from './scenario/duration.ts'
import { loadScenario } from './scenario/load.ts'
import type { Scenario } from './scenario/schema.ts'

export interface Terminal {
  /** Results. */
  readonly out: (text: string) => void
  /** Everything for people. */
  readonly err: (text: string) => void
  readonly signal: AbortSignal
}

interface Flags {
  readonly mqtt?: string
  readonly seed?: number
  readonly duration?: number
  readonly json?: boolean
  readonly anonymous?: boolean
}

/** Runs one command line. Returns the exit code: 0 done, 2 usage, 130 interrupted before anything was sent. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = buildProgram(terminal)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof UsageError) {
      terminal.err(`simulate: ${error.message}\n`)
      return 2
    }
    throw error
  }
}

function buildProgram(terminal: Terminal): Command {
  const program = new Command('simulate')
    .description('Simulated devices that publish believable telemetry over MQTT')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
  withRunFlags(program.command('demo').description('the small demo factory')).action(
    (flags: Flags) => simulate(demoScenario(flags.seed), flags, terminal),
  )
  withRunFlags(program.command('run <scenario>').description('a scenario file (YAML)')).action(
    (path: string, flags: Flags) => {
      const scenario = loadScenario(path)
      return simulate(
        flags.seed === undefined ? scenario : { ...scenario, seed: flags.seed },
        flags,
        terminal,
      )
    },
  )
  program
    .command('validate <scenario>')
    .description('checks a scenario file without running it')
    .action((path: string) => {
      const scenario = loadScenario(path)
      terminal.out(`${path}: ok, ${describe(scenario)}\n`)
    })
  return program
}

function withRunFlags(command: Command): Command {
  return command
    .option('--mqtt <url>', 'the broker (default: the one npm start runs)')
    .option('--seed <number>', 'repeats a run to the last digit', parseSeed)
    .option('--duration <time>', 'such as 30s or 10m', parseTime)
    .option('--anonymous', 'connect without the name of the thing')
    .option('--json', 'the summary as JSON on stdout')
}

async function simulate(scenario: Scenario, flags: Flags, terminal: Terminal): Promise<void> {
  const url = flags.mqtt ?? localBroker()
  const duration = flags.duration ?? scenario.duration
  terminal.err(`${scenario.name}: ${describe(scenario)}, seed ${scenario.seed}, to ${url}\n`)
  const summary = await runScenario(
    { ...scenario, ...(duration === undefined ? {} : { duration }) },
    {
      url,
      identify: flags.anonymous !== true,
      signal: terminal.signal,
      log: logger(terminal),
      progress: (soFar) => {
        terminal.err(`${line(soFar)}\n`)
      },
    },
  )
  terminal.out(
    flags.json === true
      ? `${JSON.stringify({ scenario: scenario.name, seed: scenario.seed, ...summary })}\n`
      : `${line(summary)}\n`,
  )
}

/** Connection trouble is shown, but not once per device of a large fleet. */
function logger(terminal: Terminal): (event: string, facts: Record<string, unknown>) => void {
  let shown = 0
  return (event, facts) => {
    if (event === 'device.connected' || event === 'command.received') return
    if (++shown <= 20) terminal.err(`${event} ${JSON.stringify(facts)}\n`)
    if (shown === 20) terminal.err('further device events are not shown\n')
  }
}

function describe(scenario: Scenario): string {
  const fleets = Object.values(scenario.fleets)
  const devices = fleets.reduce((sum, fleet) => sum + fleet.count, 0)
  const rate = fleets.reduce((sum, fleet) => sum + (fleet.count * 1_000) / fleet.interval, 0)
  const sites = new Set(fleets.map((fleet) => fleet.site)).size
  return `${devices} devices on ${sites} ${sites === 1 ? 'site' : 'sites'}, ${Math.round(rate * 10) / 10} readings/s`
}

function line(summary: Readonly<Record<string, number>>): string {
  return Object.entries(summary)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ')
}

function localBroker(): string {
  const path = '.gaugeline/endpoints.json'
  if (!existsSync(path)) {
    throw new UsageError(
      'no broker: start the system with npm start, or name one with --mqtt mqtt://host:1883',
    )
  }
  const { mqtt } = JSON.parse(readFileSync(path, 'utf8')) as { mqtt: string }
  return mqtt
}

function parseSeed(text: string): number {
  const seed = Number(text)
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new InvalidArgumentError('a seed is a whole number, 0 or more.')
  }
  return seed
}

function parseTime(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms <= 0) {
    throw new InvalidArgumentError(
      'a duration is a number with ms, s, m, h or d, such as 30s or 10m.',
    )
  }
  return ms
}
