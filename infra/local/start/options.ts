import path from 'node:path'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { StartError } from '../platform/errors.ts'

/** What `npm start` was asked to do. Paths are absolute. */
export interface StartOptions {
  /** The dashboard's port; 0 = any. */
  readonly port: number
  readonly mqttPort: number
  readonly awsPort: number
  /** Environments that one function may have at once. */
  readonly maxEnvironments: number
  readonly simulator: boolean
  readonly scenario?: string
  /** Where tables, stream and positions are kept; absent = in memory. */
  readonly dataDir?: string
  /** Where `endpoints.json`, `local.key` and `start.log` go. */
  readonly stateDir: string
  readonly json: boolean
  /** Takes over edited handlers, CDK components and dashboard sources while it runs. */
  readonly watch: boolean
  /** Shows the log lines of one function while it runs. */
  readonly logs?: string
}

/** Text for a person who asked for it (`--help`), instead of options. */
export interface HelpText {
  readonly help: string
}

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535; 0 = any free one.')
}

function positive(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('it is a whole number from 1 to 9999.')
}

function nonEmpty(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('it must not be empty.')
}

function command(): Command {
  return new Command('npm start --')
    .description('Runs Gaugeline on this machine, from the synthesized CloudFormation template')
    .option('--port <number>', "the dashboard's port; 0 = any free one", portNumber, 8080)
    .option('--mqtt-port <number>', "the MQTT broker's port; 0 = any", portNumber, 1883)
    .option('--aws-port <number>', 'the port of the emulated AWS APIs; 0 = any', portNumber, 0)
    .option('--max-environments <number>', 'of one function at once', positive, 10)
    .option('--no-simulator', 'do not start the demo fleet')
    .option('--scenario <file>', 'run this scenario instead of the demo fleet', nonEmpty)
    .option('--data-dir <dir>', 'keep tables and readings there across restarts', nonEmpty)
    .option('--state-dir <dir>', 'where endpoints.json goes', nonEmpty, '.gaugeline')
    .option('--logs <function>', 'show the log of a function, for example deliver', nonEmpty)
    .option('--watch', 'take over edited sources while it runs (npm run dev)', false)
    .option('--json', 'print the endpoints as JSON on stdout when ready', false)
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .exitOverride()
}

/**
 * Reads the command line. Throws StartError `USAGE` (exit code 2) with a suggestion for a misspelt flag; `--help` gives its text.
 * `cwd` makes relative paths absolute.
 */
export function readOptions(args: readonly string[], cwd: string): StartOptions | HelpText {
  let output = ''
  const program = command().configureOutput({
    writeOut: (text) => {
      output += text
    },
    writeErr: (text) => {
      output += text
    },
  })
  try {
    program.parse([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { help: output }
    throw new StartError('USAGE', usageMessage(output || error.message), { cause: error })
  }
  // The flags are the options, with paths as they were typed.
  const flags = program.opts<StartOptions>()
  return {
    ...flags,
    stateDir: path.resolve(cwd, flags.stateDir),
    ...(flags.scenario !== undefined && { scenario: path.resolve(cwd, flags.scenario) }),
    ...(flags.dataDir !== undefined && { dataDir: path.resolve(cwd, flags.dataDir) }),
  }
}

function usageMessage(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
  return `${line} (npm start -- --help lists every flag)`
}
