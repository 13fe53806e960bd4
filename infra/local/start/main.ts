import { mkdirSync } from 'node:fs'
import { StartError } from '../platform/errors.ts'
import { readOptions } from './options.ts'
import { run } from './run.ts'
import { startLog } from './start-log.ts'
import type { Terminal } from './terminal.ts'

const INTERRUPTED = 130

function processTerminal(): Terminal {
  // `npm start | head` closes our stdout: that is no failure.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  }
}

/** 2 = what was asked cannot be (a flag, a port), 1 = it went wrong. */
const exitCodeOf = (error: StartError): number =>
  error.code === 'USAGE' || /port/i.test(error.code) ? 2 : 1

type Log = (title: string, error: unknown) => void

function report(error: unknown, terminal: Terminal, log: Log): number {
  log('start', error)
  if (error instanceof StartError) {
    terminal.err(`npm start: ${error.message}\n`)
    return exitCodeOf(error)
  }
  const message = error instanceof Error ? error.message : String(error)
  terminal.err(`npm start: something is wrong inside Gaugeline: ${message} (see start.log)\n`)
  return 1
}

/**
 * The process around {@link run}: options, signals, exit code. The first SIGINT or SIGTERM stops everything in order (exit code 0),
 * the second ends at once (130). Never prints a stack: `start.log` in the state directory has it.
 */
export async function main(args: readonly string[], root: string): Promise<void> {
  const terminal = processTerminal()
  const controller = new AbortController()
  let exitCode = 0
  let log: Log = () => undefined
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const onBug = (error: unknown): void => {
    exitCode = report(error, terminal, log)
    controller.abort()
  }
  process.on('unhandledRejection', onBug)
  process.on('uncaughtException', onBug)
  try {
    const options = readOptions(args, process.cwd())
    if ('help' in options) {
      terminal.out(options.help)
    } else {
      mkdirSync(options.stateDir, { recursive: true })
      log = startLog(options.stateDir)
      await run(options, { root, terminal, signal: controller.signal, log })
    }
  } catch (error) {
    exitCode = report(error, terminal, log)
  }
  process.exit(exitCode)
}
