import { spawn } from 'node:child_process'
import path from 'node:path'
import { StartError } from '../platform/errors.ts'

/** The demo fleet, or a scenario, running in a process of its own. */
export interface Fleet {
  /** Ends it: asked first, killed when it does not listen. */
  stop(): Promise<void>
}

const STOP_TIMEOUT_MS = 5_000

/**
 * Starts the simulator against a broker. `note` gets its lines; `ended` is called when it ends without being asked, with a reason
 * for a person. Throws StartError `FLEET_FAILED` when it cannot be started at all.
 */
export async function startFleet(options: {
  readonly root: string
  readonly mqtt: string
  readonly scenario?: string | undefined
  readonly note: (line: string) => void
  readonly ended: (reason: StartError) => void
}): Promise<Fleet> {
  const what = options.scenario === undefined ? ['demo'] : ['run', options.scenario]
  const preload = path.join(import.meta.dirname, '../bin/end-with-parent.mjs')
  const child = spawn(
    process.execPath,
    [
      '--import',
      preload,
      '--import',
      'tsx',
      'simulator/src/main.ts',
      ...what,
      '--mqtt',
      options.mqtt,
    ],
    { cwd: options.root, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  )
  let isStopping = false
  let lastLine = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of chunk.split('\n').filter(Boolean)) {
      lastLine = line
      options.note(line)
    }
  })
  const closed = new Promise<void>((resolve) => {
    child.once('close', (exitCode) => {
      resolve()
      if (isStopping || exitCode === 0) return
      options.ended(failed(lastLine || `exit code ${String(exitCode)}`))
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => {
      reject(failed(error.message))
    })
  })
  return {
    async stop() {
      isStopping = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await closed
      clearTimeout(timer)
    },
  }
}

const failed = (reason: string): StartError =>
  new StartError('FLEET_FAILED', `the simulated devices stopped: ${reason}`)
