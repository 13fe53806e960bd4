import { spawn } from 'node:child_process'

export interface ChildOutcome {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  /** Both streams as they came, the last 64 KB. */
  readonly output: string
}

const OUTPUT_KEPT = 64 * 1024

/** Runs Node with these arguments to its end and keeps what it said. An aborted signal ends it with SIGTERM. */
export function runChild(
  args: readonly string[],
  options: {
    readonly cwd: string
    readonly signal: AbortSignal
    /** Beside our own environment. */
    readonly env: Readonly<Record<string, string>>
  },
): Promise<ChildOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], {
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_KEPT)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const end = (): void => {
      child.kill('SIGTERM')
    }
    options.signal.addEventListener('abort', end, { once: true })
    if (options.signal.aborted) end()
    child.once('error', reject)
    child.once('close', (exitCode) => {
      options.signal.removeEventListener('abort', end)
      resolve({ exitCode, output })
    })
  })
}
