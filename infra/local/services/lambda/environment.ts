import { Worker } from 'node:worker_threads'
import type { Clock } from '../../platform/types.ts'

/** The body of a failed invocation (LAMBDA-2). */
export interface FunctionErrorBody {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

export interface EnvironmentOptions {
  readonly functionName: string
  readonly handler: string
  readonly directory: string
  /** Source of `index.js`, when it is in no directory. */
  readonly inlineCode?: string | undefined
  /** 22 for `nodejs22.x`. */
  readonly nodeMajor: number
  readonly memoryMb: number
  readonly env: Readonly<Record<string, string>>
  readonly logFormat: 'Text' | 'JSON'
  readonly logLevel: string
  readonly logStream: string
  readonly clock: Clock
  /** Called with each log event of the function's own. */
  readonly onLog: (message: string) => void
}

export interface EnvironmentRequest {
  readonly requestId: string
  readonly event: string
  readonly functionArn: string
  readonly timeoutMs: number
  readonly traceId: string
  /** The worker is killed so long after the event began, unless it has answered. */
  readonly killAfterMs?: number
}

export type EnvironmentOutcome =
  | { readonly kind: 'answered'; readonly body: string; readonly memoryMb: number }
  | {
      readonly kind: 'failed'
      readonly error: FunctionErrorBody
      readonly memoryMb: number
      /** Present when the environment is gone with it: `timeout` or `error`, as REPORT names it. */
      readonly fatal?: 'timeout' | 'error'
    }

export type InitOutcome =
  | { readonly ok: true; readonly initMs: number }
  | { readonly ok: false; readonly error: FunctionErrorBody }

/** One execution environment (LAMBDA-10): a worker thread that handles one event at a time and keeps its module state in between. */
export interface Environment {
  readonly logStream: string
  readonly ready: Promise<InitOutcome>
  /** Milliseconds of the init phase; undefined once it has been reported. */
  takeInitMs(): number | undefined
  isAlive(): boolean
  invoke(request: EnvironmentRequest): Promise<EnvironmentOutcome>
  terminate(): Promise<void>
  /** Calls back once, when the worker is gone for whatever reason. */
  onGone(listener: () => void): void
}

/** LAMBDA-12. */
const INIT_LIMIT_MS = 10_000

type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'outOfMemory' }
  | { readonly type: 'log'; readonly message: string }
  | { readonly type: 'initFailed' | 'crashed'; readonly error: FunctionErrorBody }
  | { readonly type: 'answered'; readonly body: string; readonly memoryMb: number }
  | { readonly type: 'failed'; readonly error: FunctionErrorBody; readonly memoryMb: number }

/** Starts the worker and its init phase. Never throws: a failure is the answer of `ready`. */
export function startEnvironment(options: EnvironmentOptions): Environment {
  const startedAt = performance.now()
  const worker = startWorker(options)
  let alive = true
  let initMs: number | undefined
  let crash: FunctionErrorBody | undefined
  let settleInit: ((outcome: InitOutcome) => void) | undefined
  let settleInvocation: ((outcome: EnvironmentOutcome) => void) | undefined
  const goneListeners: (() => void)[] = []

  const ready = new Promise<InitOutcome>((resolve) => {
    const cancel = options.clock.after(INIT_LIMIT_MS, () => {
      settleInit?.({ ok: false, error: initTimedOut() })
      void terminate()
    })
    settleInit = (outcome) => {
      cancel()
      settleInit = undefined
      resolve(outcome)
    }
  })
  const fail = (error: FunctionErrorBody, memoryMb: number, fatal?: 'timeout' | 'error') => {
    settleInvocation?.({ kind: 'failed', error, memoryMb, ...(fatal && { fatal }) })
  }
  const gone = (error: (requestId: string) => FunctionErrorBody) => {
    if (!alive) return
    alive = false
    settleInit?.({ ok: false, error: crash ?? error('') })
    fail(crash ?? error(currentRequestId), options.memoryMb, 'error')
    for (const listener of goneListeners) listener()
  }
  async function terminate(signal: 'terminated' | 'killed' = 'terminated'): Promise<void> {
    gone(exitError(`signal: ${signal}`))
    await worker.terminate()
  }
  let currentRequestId = ''

  const handlers: { [T in WorkerMessage['type']]: (message: WorkerMessage & { type: T }) => void } =
    {
      ready: () => {
        initMs = performance.now() - startedAt
        settleInit?.({ ok: true, initMs })
      },
      log: (message) => options.onLog(message.message),
      initFailed: (message) => {
        settleInit?.({ ok: false, error: message.error })
        void terminate()
      },
      outOfMemory: () => {
        gone(exitError('signal: killed'))
        void worker.terminate()
      },
      crashed: (message) => {
        crash = message.error
      },
      answered: (message) =>
        settleInvocation?.({ kind: 'answered', body: message.body, memoryMb: message.memoryMb }),
      failed: (message) => fail(message.error, message.memoryMb),
    }
  worker.on('message', (message: WorkerMessage) => {
    ;(handlers[message.type] as (message: WorkerMessage) => void)(message)
  })
  worker.on('error', (error: NodeJS.ErrnoException) => {
    gone(
      error.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? exitError('signal: killed')
        : () => ({ errorType: error.name, errorMessage: error.message, trace: [] }),
    )
  })
  worker.on('exit', (code) => gone(exitError(code === 0 ? undefined : `exit status ${code}`)))

  return {
    logStream: options.logStream,
    ready,
    takeInitMs() {
      const taken = initMs
      initMs = undefined
      return taken
    },
    isAlive: () => alive,
    terminate: () => terminate(),
    onGone: (listener) => goneListeners.push(listener),
    async invoke(request) {
      currentRequestId = request.requestId
      const outcome = await new Promise<EnvironmentOutcome>((resolve) => {
        const cancel = options.clock.after(request.timeoutMs, () => {
          // LAMBDA-6: the process is killed, the next call is a cold start.
          fail(timedOut(request), options.memoryMb, 'timeout')
          void terminate()
        })
        const cancelKill =
          request.killAfterMs === undefined
            ? undefined
            : options.clock.after(request.killAfterMs, () => void terminate('killed'))
        settleInvocation = (settled) => {
          cancel()
          cancelKill?.()
          settleInvocation = undefined
          resolve(settled)
        }
        if (alive) worker.postMessage(request)
        else fail(exitError(undefined)(request.requestId), 0, 'error')
      })
      return outcome
    },
  }
}

function startWorker(options: EnvironmentOptions): Worker {
  const worker = new Worker(new URL('./bootstrap.mjs', import.meta.url), {
    name: options.functionName,
    env: { ...options.env },
    // The loaders of this process (tsx) are not the function's.
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
    workerData: {
      handler: options.handler,
      directory: options.directory,
      inlineCode: options.inlineCode,
      nodeMajor: options.nodeMajor,
      memoryLimitMb: options.memoryMb,
      logFormat: options.logFormat,
      logLevel: options.logLevel,
    },
  })
  // The bootstrap sends what the function writes; only what Node itself prints comes this way.
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') options.onLog(line)
    })
  }
  return worker
}

function timedOut(request: EnvironmentRequest): FunctionErrorBody {
  const seconds = (request.timeoutMs / 1000).toFixed(2)
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${request.requestId} Error: Task timed out after ${seconds} seconds`,
  }
}

function initTimedOut(): FunctionErrorBody {
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `Error: Init phase timed out after ${(INIT_LIMIT_MS / 1000).toFixed(2)} seconds`,
  }
}

function exitError(how: string | undefined): (requestId: string) => FunctionErrorBody {
  const reason = how === undefined ? 'without providing a reason' : `with error: ${how}`
  return (requestId) => ({
    errorType: 'Runtime.ExitError',
    errorMessage: `RequestId: ${requestId} Error: Runtime exited ${reason}`,
  })
}
