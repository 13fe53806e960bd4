import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Endpoints } from '../../infra/local/start/endpoints.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `npm start` as a person runs it, in a process of its own, on free ports. */
export interface RunningSystem {
  readonly endpoints: Endpoints
  readonly stateDir: string
  readonly pid: number
  /** Everything it has written to the terminal so far. */
  readonly output: () => string
  /** Sends SIGINT, as Ctrl-C does; resolves with the exit code. */
  stop(): Promise<number | null>
  /** `kill -9`. */
  kill(): Promise<void>
}

export interface SystemOptions {
  /** More flags of `npm start`. */
  readonly args?: readonly string[]
  /** Starts the demo fleet too. */
  readonly simulator?: boolean
  readonly stateDir?: string
  readonly env?: Readonly<Record<string, string>>
  /** The checkout to start; this one when absent. */
  readonly root?: string
}

/** Starts the system and waits until it is ready. Throws with what it printed when it ends before that. */
export async function startSystem(options: SystemOptions = {}): Promise<RunningSystem> {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'gaugeline-e2e-'))
  const { child, output } = launch(
    ['--port', '0', '--mqtt-port', '0', '--state-dir', stateDir],
    options,
  )
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const file = join(stateDir, 'endpoints.json')
  const endpoints = await ready(file, child, output)
  return {
    endpoints,
    stateDir,
    pid: child.pid ?? 0,
    output,
    async stop() {
      child.kill('SIGINT')
      const code = await ended
      if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true })
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs `npm start` with these flags until it ends by itself. */
export async function runStart(
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const { child, output } = launch(args, {})
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output: output() }
}

function launch(
  args: readonly string[],
  options: SystemOptions,
): { child: ChildProcess; output: () => string } {
  const simulator = options.simulator === true ? [] : ['--no-simulator']
  const child = spawn(
    process.execPath,
    ['infra/local/bin/start.mjs', ...args, ...simulator, ...(options.args ?? [])],
    {
      cwd: options.root ?? root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    },
  )
  let text = ''
  const keep = (chunk: Buffer): void => {
    text += chunk.toString('utf8')
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return { child, output: () => text }
}

async function ready(file: string, child: ChildProcess, output: () => string): Promise<Endpoints> {
  const limitMs = 150_000
  const startedMs = Date.now()
  while (!existsSync(file)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`npm start ended before it was ready:\n${output()}`)
    }
    if (Date.now() - startedMs > limitMs) {
      child.kill('SIGKILL')
      throw new Error(`npm start was not ready after ${limitMs / 1_000} s:\n${output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Endpoints
}
