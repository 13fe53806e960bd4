import { access } from 'node:fs/promises'
import path from 'node:path'
import { StartError } from '../platform/errors.ts'
import { startSystem } from '../system.ts'
import { buildSteps } from './build-steps.ts'
import { build } from './build.ts'
import { dashboardFromSources } from './dashboard-dev.ts'
import { dataDirRefusal } from './data-dir.ts'
import { removeEndpoints, writeEndpoints } from './endpoints.ts'
import { startFleet } from './fleet.ts'
import { removeLocalKey, writeLocalKey } from './local-key.ts'
import { lockDirectory } from './lock.ts'
import type { StartOptions } from './options.ts'
import { requireFreePort } from './ports.ts'
import { rememberedPorts, rememberPorts } from './remembered-ports.ts'
import { readyText } from './ready-text.ts'
import type { Terminal } from './terminal.ts'
import { progressLine } from './terminal.ts'
import { startWatching } from './watch.ts'

export interface RunContext {
  /** The repository. */
  readonly root: string
  readonly terminal: Terminal
  /** Aborted = stop everything, at any moment. */
  readonly signal: AbortSignal
  /** Writes to `start.log`. */
  readonly log: (title: string, error: unknown) => void
}

type Undo = () => Promise<void>

/** Thrown inside to leave early when the person pressed Ctrl-C while things were starting. */
class Interrupted extends Error {}

/** Runs what has been collected, last first; a failing one does not keep the others from running. */
async function undoAll(undos: readonly Undo[], context: RunContext): Promise<void> {
  for (const undo of undos.toReversed()) {
    try {
      await undo()
    } catch (error) {
      context.log('stop', error)
      context.terminal.err(`  a part did not stop cleanly; see start.log\n`)
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener(
      'abort',
      () => {
        resolve()
      },
      { once: true },
    )
  })

async function requireFile(file: string): Promise<void> {
  try {
    await access(file)
  } catch (cause) {
    throw new StartError('USAGE', `--scenario ${file} cannot be read; name a scenario file`, {
      cause,
    })
  }
}

async function prepare(options: StartOptions, context: RunContext, undos: Undo[]): Promise<string> {
  if (options.scenario !== undefined) await requireFile(options.scenario)
  await requireFreePort(options.port, { what: 'the dashboard', flag: '--port' })
  await requireFreePort(options.mqttPort, { what: 'the MQTT broker', flag: '--mqtt-port' })
  await requireFreePort(options.awsPort, { what: 'the AWS APIs', flag: '--aws-port' })
  undos.push(await lockDirectory(options.stateDir, '--state-dir'))
  if (options.dataDir !== undefined) undos.push(await lockDirectory(options.dataDir, '--data-dir'))
  await removeEndpoints(options.stateDir)
  const localKey = await writeLocalKey(options.stateDir)
  undos.push(() => removeLocalKey(options.stateDir))
  await build(buildSteps, {
    root: context.root,
    signal: context.signal,
    validate: false,
    progress: (title, tookMs) => {
      context.terminal.err(progressLine(title, tookMs))
    },
  }).catch((error: unknown) => {
    throw context.signal.aborted ? new Interrupted() : error
  })
  return localKey
}

async function startAll(options: StartOptions, context: RunContext, undos: Undo[]): Promise<void> {
  const startedMs = Date.now()
  const { terminal, root, signal } = context
  const stopIfAsked = (): void => {
    if (signal.aborted) throw new Interrupted()
  }
  const localKey = await prepare(options, context, undos)
  stopIfAsked()
  // What lies in the data directory (LevelDB's files too) is nobody else's to read.
  if (options.dataDir !== undefined) process.umask(0o077)
  const system = await startSystem({
    cdkOut: path.join(root, 'cdk.out'),
    ports: {
      ...(await rememberedPorts(options.stateDir)),
      dashboard: options.port,
      mqtt: options.mqttPort,
      aws: options.awsPort,
    },
    localKey,
    dataDir: options.dataDir,
    startPages: options.watch ? dashboardFromSources(root) : undefined,
    tell: (line) => {
      terminal.err(`  ${line}\n`)
    },
    maxEnvironments: options.maxEnvironments,
    warm: true,
  }).catch((error: unknown) => {
    throw dataDirRefusal(error, options.dataDir) ?? error
  })
  undos.push(() => system.stop())
  stopIfAsked()
  if (options.logs !== undefined) {
    system.followLogs(options.logs, (line) => {
      terminal.err(`${line}\n`)
    })
  }
  if (options.simulator) {
    const fleet = await startFleet({
      root,
      mqtt: system.endpoints.mqtt,
      scenario: options.scenario,
      note: (line) => {
        context.log('fleet', line)
      },
      ended: (reason) => {
        terminal.err(`  ${reason.message}\n`)
      },
    })
    undos.push(() => fleet.stop())
  }
  if (options.watch) undos.push(startWatching(system, context))
  stopIfAsked()
  undos.push(() => removeEndpoints(options.stateDir))
  await rememberPorts(options.stateDir, system.endpoints)
  await writeEndpoints(options.stateDir, system.endpoints)
  terminal.out(
    options.json
      ? `${JSON.stringify(system.endpoints)}\n`
      : readyText(system, { options, tookMs: Date.now() - startedMs }),
  )
}

/**
 * The whole of `npm start`: builds what has changed, starts every service, deploys the template, starts the demo fleet, tells
 * where everything is, and takes it all down again when `signal` is aborted. Throws StartError for a reason not to start.
 */
export async function run(options: StartOptions, context: RunContext): Promise<void> {
  const undos: Undo[] = []
  try {
    await startAll(options, context, undos)
    await aborted(context.signal)
    context.terminal.err('  stopping …\n')
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  } finally {
    await undoAll(undos, context)
  }
}
