import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { StartError } from '../platform/errors.ts'
import { runChild } from './child.ts'
import { contentHash } from './content-hash.ts'

/** Something generated that is made again only when what it is made from has changed. */
interface BuildStep {
  readonly name: string
  readonly title: string
  readonly sources: readonly string[]
  readonly output: string
  /** Arguments of Node. */
  readonly command: readonly string[]
  /** Relative to the root; the root when absent. */
  readonly cwd?: string
}

/** The template holds the dashboard as an asset, therefore this order. */
const steps: readonly BuildStep[] = [
  {
    name: 'dashboard',
    title: 'building the dashboard',
    sources: [
      'dashboard/index.html',
      'dashboard/public',
      'dashboard/src',
      'dashboard/vite.config.ts',
      'dashboard/package.json',
      'backend/src/protocol',
    ],
    output: 'dashboard/dist',
    command: ['../node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'],
    cwd: 'dashboard',
  },
  {
    name: 'template',
    title: 'synthesizing the CDK app',
    sources: [
      'infra/cloud',
      'infra/package.json',
      'backend/src',
      'backend/package.json',
      'dashboard/dist',
      'docs/runbook.md',
      'cdk.json',
    ],
    output: 'cdk.out',
    command: ['--import', 'tsx', 'infra/cloud/bin/gaugeline.ts'],
  },
]

interface Stamp {
  readonly sources: string
  readonly output: string
}

export interface BuildOptions {
  readonly root: string
  /** Told when a step starts (`made` undefined) and ends. */
  readonly progress: (title: string, tookMs?: number) => void
  readonly signal: AbortSignal
}

const stampFile = (root: string, step: BuildStep): string =>
  path.join(root, '.gaugeline', 'build', `${step.name}.json`)

async function readStamp(file: string): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Stamp
  } catch {
    // Absent or torn: build again.
    return undefined
  }
}

async function ensure(step: BuildStep, options: BuildOptions): Promise<void> {
  const { root } = options
  const sourceHash = (): Promise<string> =>
    contentHash(
      root,
      [...step.sources, 'package-lock.json', 'tsconfig.base.json'],
      [process.version, ...step.command],
    )
  const outputHash = (): Promise<string> => contentHash(root, [step.output])
  const file = stampFile(root, step)
  const [sources, output, stamp] = await Promise.all([sourceHash(), outputHash(), readStamp(file)])
  // The output counts too: somebody may have built another state of the sources by hand.
  if (stamp?.sources === sources && stamp.output === output) return
  const startedMs = Date.now()
  options.progress(step.title)
  await rm(file, { force: true })
  const outcome = await runChild(step.command, {
    cwd: path.join(root, step.cwd ?? '.'),
    signal: options.signal,
  })
  if (outcome.exitCode !== 0) {
    throw new StartError('BUILD_FAILED', `${step.title} failed:\n${outcome.output.trim()}`)
  }
  await mkdir(path.dirname(file), { recursive: true })
  const made: Stamp = { sources, output: await outputHash() }
  await writeFile(file, JSON.stringify(made))
  options.progress(step.title, Date.now() - startedMs)
}

/** Brings the dashboard and the template up to date. Throws StartError `BUILD_FAILED` with what the tool said. */
export async function build(options: BuildOptions): Promise<void> {
  for (const step of steps) await ensure(step, options)
}
