import { spawn } from 'node:child_process'
import { existsSync, statSync, watch } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { StartError } from '../platform/errors.ts'
import type { System } from '../system.ts'
import { isRecord } from '../template/template.ts'
import { buildSteps } from './build-steps.ts'
import { build } from './build.ts'
import type { Terminal } from './terminal.ts'

interface WatchContext {
  readonly root: string
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly log: (title: string, error: unknown) => void
}

/** What the template is made from; handlers have a faster way of their own, and the dashboard is served from its sources. */
const TEMPLATE_SOURCES = ['infra/cloud', 'backend/src/contract.ts', 'docs/runbook.md']
/** What runs already and cannot be exchanged. */
const RESTART_SOURCES = [
  'infra/local',
  'simulator/src',
  'package.json',
  'package-lock.json',
  'cdk.json',
  'tsconfig.base.json',
]
/** An editor writes a file in several steps. */
const SETTLE_MS = 50

type Running = Pick<System, 'redeploy' | 'replaceCode'>

/**
 * Keeps a running system at what the sources say: an edited handler is bundled and swapped in alone, an edited CDK component is synthesized and
 * deployed over what runs. Sockets stay open. What cannot change while it runs is told by name. Returns the end.
 */
export function startWatching(system: Running, context: WatchContext): () => Promise<void> {
  const tell = (error: unknown): void => {
    context.log('watch', error)
    const text = error instanceof StartError ? error.message : 'something went wrong; see start.log'
    context.terminal.err(`  not taken over: ${text}\n`)
  }
  const oneByOne = serial(tell)
  const ends = [
    watchHandlers(context, (changed, directory) => {
      oneByOne(async () => {
        for (const service of changed) {
          await system.replaceCode(service, path.join(directory, service))
        }
        context.terminal.err(`  new code: ${changed.join(', ')}\n`)
      })
    }),
    watchSources(context.root, TEMPLATE_SOURCES, () => {
      oneByOne(() => takeOver(system, context))
    }),
    watchSources(context.root, RESTART_SOURCES, (file) => {
      context.terminal.err(`  ${file} changed: restart npm run dev to take it over\n`)
    }),
  ]
  context.terminal.err('  watching the sources: edit a handler, a CDK component or the dashboard\n')
  return async () => {
    await Promise.all(ends.map((end) => end()))
  }
}

/** Tasks one after another. */
function serial(failed: (error: unknown) => void): (task: () => Promise<void>) => void {
  let last = Promise.resolve()
  return (task) => {
    last = last.then(task).catch(failed)
  }
}

async function takeOver(system: Running, { root, signal, terminal }: WatchContext): Promise<void> {
  const startedMs = Date.now()
  // The dashboard in the template is the one of the start: its pages come from their sources.
  const steps = buildSteps.filter(({ name }) => name === 'template')
  await build(steps, { root, signal, validate: false, progress: () => undefined })
  const changes = await system.redeploy()
  for (const change of changes) terminal.err(`  ${change}\n`)
  if (changes.length > 0) terminal.err(`  taken over in ${Date.now() - startedMs} ms\n`)
}

/** Directories with all below them, and files; a file by its directory, since an editor puts a new one in its place. */
function watchSources(
  root: string,
  sources: readonly string[],
  changed: (file: string) => void,
): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const watchers = sources
    .filter((source) => existsSync(path.join(root, source)))
    .map((source) => {
      const isDirectory = statSync(path.join(root, source)).isDirectory()
      const directory = isDirectory ? source : path.dirname(source)
      return watch(path.join(root, directory), { recursive: isDirectory }, (_, file) => {
        const edited = path.join(directory, file ?? '')
        if (edited.endsWith('.test.ts') || !(isDirectory || edited === source)) return
        clearTimeout(timer)
        timer = setTimeout(() => {
          changed(edited)
        }, SETTLE_MS)
      })
    })
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
    return Promise.resolve()
  }
}

/** The bundler is the CDK app's own, in a process of its own; its first bundles are what runs already. */
function watchHandlers(
  { root, terminal, log }: WatchContext,
  changed: (services: readonly string[], directory: string) => void,
): () => Promise<void> {
  let isFirst = true
  const started = mkdtemp(path.join(tmpdir(), 'gaugeline-dev-')).then((directory) => {
    const preload = path.join(import.meta.dirname, '../bin/end-with-parent.mjs')
    const child = spawn(
      process.execPath,
      [
        ...['--import', preload, '--import', 'tsx'],
        ...['infra/cloud/bin/watch-handlers.ts', directory],
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    )
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log('watch-handlers', text)
    })
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const outcome: unknown = JSON.parse(line)
        if (!isRecord(outcome)) return
        if (typeof outcome['error'] === 'string') {
          terminal.err(`  not taken over: ${outcome['error']}\n`)
        } else if (!isFirst && Array.isArray(outcome['changed']) && outcome['changed'].length > 0) {
          changed(outcome['changed'].map(String), directory)
        }
        isFirst = false
      })
    }
    return { child, directory }
  })
  return async () => {
    const { child, directory } = await started
    const closed = new Promise((resolve) => child.once('close', resolve))
    if (child.exitCode === null && child.kill('SIGTERM')) await closed
    await rm(directory, { recursive: true, force: true })
  }
}
