// Runs inside a worker thread: one execution environment of one function. Plain JavaScript without dependencies, because its
// start is part of every cold start. What it prints and answers is modelled on aws-lambda-nodejs-runtime-interface-client.
import { existsSync, readFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format, types } from 'node:util'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'

const { handler: handlerName, directory, inlineCode, nodeMajor, memoryLimitMb } = workerData
const { logFormat, logLevel } = workerData
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
const lowestLevel = Math.max(0, levels.indexOf(logLevel))
let requestId

const post = (message) => parentPort.postMessage(message)
/** One log event: it leaves at once, so that a function killed in a busy loop has still said it. */
const log = (message) => post({ type: 'log', message })

// --- console and streams -------------------------------------------------------------------------------------------------

function errorFields(error) {
  return {
    errorType: error?.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : [],
  }
}

const withErrors = (_, value) =>
  types.isNativeError(value) ? { ...errorFields(value), ...value } : value

function jsonLine(level, parts) {
  const line = { timestamp: new Date().toISOString(), level, requestId }
  if (parts.length === 1) {
    try {
      return JSON.stringify({ ...line, message: parts[0] }, withErrors)
    } catch {
      return JSON.stringify({ ...line, message: format(parts[0]) })
    }
  }
  const error = parts.find((part) => types.isNativeError(part))
  return JSON.stringify({ ...line, message: format(...parts), ...(error && errorFields(error)) })
}

/** LAMBDA-16, LAMBDA-17: what console prints in each of the two formats. */
function printer(level) {
  const rank = levels.indexOf(level)
  return (...parts) => {
    if (logFormat === 'JSON') {
      if (rank >= lowestLevel) log(jsonLine(level, parts))
    } else {
      log(`${new Date().toISOString()}\t${requestId}\t${level}\t${format(...parts)}`)
    }
  }
}

console.log = console.info = printer('INFO')
console.debug = printer('DEBUG')
console.warn = printer('WARN')
console.error = printer('ERROR')
console.trace = (...parts) => {
  const trace = {}
  Error.captureStackTrace(trace, console.trace)
  printer('TRACE')(...parts, `\n${trace.stack}`)
}

/** What is written to a stream becomes one log event per line. */
const partial = new Map()
for (const stream of [process.stdout, process.stderr]) {
  partial.set(stream, '')
  stream.write = (chunk, encoding, callback) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    const lines = (partial.get(stream) + text).split('\n')
    partial.set(stream, lines.pop())
    for (const line of lines) if (line !== '') log(line)
    const done = typeof encoding === 'function' ? encoding : callback
    if (done) queueMicrotask(done)
    return true
  }
}

function flushPartialLines() {
  for (const [stream, line] of partial) {
    if (line !== '') log(line)
    partial.set(stream, '')
  }
}

// --- errors ----------------------------------------------------------------------------------------------------------------

function errorAnswer(error) {
  if (types.isNativeError(error) || (error && typeof error.stack === 'string'))
    return {
      errorType: error.name,
      errorMessage: error.message,
      trace: (error.stack ?? '').split('\n'),
    }
  return { errorType: typeof error, errorMessage: String(error), trace: [] }
}

class RuntimeError extends Error {
  constructor(name, message) {
    super(message)
    this.name = name
  }
}

function logFailure(title, answer) {
  const { errorType, errorMessage, trace } = answer
  if (logFormat === 'JSON') return console.error({ errorType, errorMessage, stackTrace: trace })
  const text = JSON.stringify({ errorType, errorMessage, stack: trace })
  log(`${new Date().toISOString()}\t${requestId}\tERROR\t${title} \t${text}`)
}

for (const [event, title, name, code] of [
  ['uncaughtException', 'Uncaught Exception', undefined, 129],
  ['unhandledRejection', 'Unhandled Promise Rejection', 'Runtime.UnhandledPromiseRejection', 128],
]) {
  process.on(event, (error) => {
    const answer = errorAnswer(
      name ? Object.assign(new RuntimeError(name, String(error)), { stack: error?.stack }) : error,
    )
    logFailure(title, answer)
    flushPartialLines()
    post({ type: 'crashed', error: answer })
    process.exit(code)
  })
}

// --- loading ---------------------------------------------------------------------------------------------------------------

/**
 * A `.js` bundle is CommonJS unless its own folder says otherwise. On AWS there is no package.json above /var/task; here there is one
 * (the repository's, `"type": "module"`), so Node's own search must not decide.
 */
async function loadModule(path) {
  if (inlineCode !== undefined && basename(path) === 'index')
    return compile(join(directory, 'index.js'), inlineCode, createRequire(import.meta.url))
  for (const extension of ['.js', '.mjs', '.cjs']) {
    const file = path + extension
    if (!existsSync(file)) continue
    if (extension !== '.js' || isModuleFolder(dirname(file)))
      return import(pathToFileURL(file).href)
    return compile(file, readFileSync(file, 'utf8'))
  }
  throw new RuntimeError(
    'Runtime.ImportModuleError',
    `Error: Cannot find module '${basename(path)}' in ${directory}`,
  )
}

/** Code of one file cannot bring the AWS SDK, so it finds what the runtime has, here what is installed. */
function compile(file, source, runtime) {
  const module = new Module(file)
  module.filename = file
  const finders = runtime ? [createRequire(file), runtime] : [createRequire(file)]
  module.paths = finders.flatMap((finder) => finder.resolve.paths('x') ?? [])
  module._compile(source, file)
  return module.exports
}

function isModuleFolder(folder) {
  const file = join(directory, 'package.json')
  if (!folder.startsWith(directory) || !existsSync(file)) return false
  return JSON.parse(readFileSync(file, 'utf8')).type === 'module'
}

async function loadHandler() {
  const match = /^([^.]*)\.(.*)$/.exec(basename(handlerName))
  if (!match)
    throw new RuntimeError('Runtime.MalformedHandlerName', `Bad handler: '${handlerName}'`)
  const folder = join(directory, handlerName.slice(0, -basename(handlerName).length))
  const module = await loadModule(join(folder, match[1]))
  const find = (root) => match[2].split('.').reduce((value, key) => value?.[key], root)
  const handler = find(module) ?? find(module.default)
  if (typeof handler !== 'function')
    throw new RuntimeError('Runtime.HandlerNotFound', `${handlerName} is undefined or not exported`)
  // LAMBDA-15: Node.js 24 dropped handlers with a callback.
  if (nodeMajor >= 24 && handler.length >= 3)
    throw new RuntimeError(
      'Runtime.CallbackHandlerDeprecated',
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. Use an async handler.',
    )
  return handler
}

// --- invocations -----------------------------------------------------------------------------------------------------------

function contextOf(message) {
  const deadlineMs = performance.now() + message.timeoutMs
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: '$LATEST',
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: message.functionArn,
    awsRequestId: message.requestId,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadlineMs - performance.now())),
  }
}

function call(handler, event, context) {
  if (handler.length < 3) return handler(event, context)
  return new Promise((resolve, reject) => {
    const callback = (error, value) =>
      error === undefined || error === null ? resolve(value) : reject(error)
    const returned = handler(event, context, callback)
    if (typeof returned?.then === 'function') returned.then(resolve, reject)
  })
}

function serialize(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? 'null'
  } catch (error) {
    throw new RuntimeError('Runtime.MarshalError', `Unable to stringify response body: ${error}`)
  }
}

const MEMORY_SAMPLE_MS = 50
let mostMemoryMb = 0

/** What this environment holds: its heap, and its buffers, which lie outside it. `process.memoryUsage()` would ask the system at each event. */
function usedMb() {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return Math.ceil((heap + external) / 1048576)
}

function collectGarbage() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/**
 * Looks at the memory; above the limit the environment is killed, as Lambda does (LAMBDA-7). What is only waiting to be collected does not
 * count. A function that fills its memory and frees it without ever waiting is not seen in between.
 */
function watchMemory() {
  let used = usedMb()
  if (used > memoryLimitMb) {
    collectGarbage()
    used = usedMb()
  }
  mostMemoryMb = Math.max(mostMemoryMb, used)
  if (used <= memoryLimitMb) return true
  flushPartialLines()
  post({ type: 'outOfMemory' })
  return false
}

function answer(outcome) {
  flushPartialLines()
  post({ ...outcome, requestId, memoryMb: mostMemoryMb })
}

async function invoke(handler, message) {
  requestId = message.requestId
  process.env._X_AMZN_TRACE_ID = message.traceId
  const sampling = setInterval(watchMemory, MEMORY_SAMPLE_MS)
  try {
    const body = serialize(await call(handler, JSON.parse(message.event), contextOf(message)))
    if (watchMemory()) answer({ type: 'answered', body })
  } catch (error) {
    const failure = errorAnswer(error)
    logFailure('Invoke Error', failure)
    if (watchMemory()) answer({ type: 'failed', error: failure })
  } finally {
    clearInterval(sampling)
  }
}

try {
  const handler = await loadHandler()
  parentPort.on('message', (message) => invoke(handler, message))
  post({ type: 'ready' })
} catch (error) {
  const answer = errorAnswer(error)
  logFailure('Uncaught Exception', answer)
  flushPartialLines()
  post({ type: 'initFailed', error: answer })
}
