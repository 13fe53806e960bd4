import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { StartError } from '../platform/errors.ts'
import { runChild } from './child.ts'
import { contentHash } from './content-hash.ts'
import { lockDirectory } from './lock.ts'
import type { Unlock } from './lock.ts'

/** Something generated that is made again only when what it is made from has changed. */
export interface BuildStep {
  readonly name: string
  readonly title: string
  /** Relative to the root, like everything here. */
  readonly sources: readonly string[]
  /** What it makes, read after it is made. */
  readonly outputs: (root: string) => Promise<readonly string[]>
  /** Arguments of Node. */
  readonly command: readonly string[]
  /** The root when absent. */
  readonly cwd?: string
  /** Removes what nobody needs any more. */
  readonly tidy?: (root: string) => Promise<void>
}

interface Stamp {
  readonly sources: string
  readonly output: string
  /** The CDK's own checks of the template were part of it. */
  readonly validated: boolean
}

export interface BuildOptions {
  readonly root: string
  /** Told when a step starts (`made` undefined) and ends. */
  readonly progress: (title: string, tookMs?: number) => void
  readonly signal: AbortSignal
  /**
   * Lets the CDK check the template against CloudFormation's schemas. It costs several seconds and matters to a deployment only: the
   * local services check every property that they read anyway.
   */
  readonly validate: boolean
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

const LINES_SHOWN = 40
const WAIT_MS = 250

/** What a tool said, without colours and without its stack. */
function readable(output: string): string {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
  return lines.slice(0, LINES_SHOWN).join('\n').trim()
}

async function ensure(step: BuildStep, options: BuildOptions): Promise<void> {
  const { root } = options
  const sourceHash = (): Promise<string> =>
    contentHash(
      root,
      [...step.sources, 'package-lock.json', 'tsconfig.base.json'],
      [process.version, ...step.command],
    )
  const outputHash = async (): Promise<string> => contentHash(root, await step.outputs(root))
  const file = stampFile(root, step)
  const [sources, output, stamp] = await Promise.all([sourceHash(), outputHash(), readStamp(file)])
  // The output counts too: somebody may have built another state of the sources by hand.
  const isCurrent = stamp?.sources === sources && stamp.output === output
  if (isCurrent && (stamp.validated || !options.validate)) return
  const startedMs = Date.now()
  options.progress(step.title)
  await rm(file, { force: true })
  const outcome = await runChild(step.command, {
    cwd: path.join(root, step.cwd ?? '.'),
    signal: options.signal,
    env: options.validate ? {} : { CDK_VALIDATION: 'false' },
  })
  if (outcome.exitCode !== 0) {
    throw new StartError('BUILD_FAILED', `${step.title} failed:\n${readable(outcome.output)}`)
  }
  await mkdir(path.dirname(file), { recursive: true })
  const made: Stamp = { sources, output: await outputHash(), validated: options.validate }
  await writeFile(file, JSON.stringify(made))
  await step.tidy?.(root)
  options.progress(step.title, Date.now() - startedMs)
}

/** Only one start at a time may build in a checkout; the others wait for it and then find everything up to date. */
async function waitForLock(options: BuildOptions): Promise<Unlock> {
  const dir = path.join(options.root, '.gaugeline', 'build')
  for (let attempt = 0; ; attempt++) {
    try {
      return await lockDirectory(dir, '--state-dir')
    } catch (error) {
      const isWaiting = error instanceof StartError && error.code === 'DIRECTORY_IN_USE'
      if (!isWaiting || options.signal.aborted) throw error
      if (attempt === 0) options.progress('waiting for another start that is building')
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
  }
}

/** Brings every step's output up to date, in order. Throws StartError `BUILD_FAILED` with what the tool said. */
export async function build(steps: readonly BuildStep[], options: BuildOptions): Promise<void> {
  const unlock = await waitForLock(options)
  try {
    for (const step of steps) await ensure(step, options)
  } finally {
    await unlock()
  }
}
