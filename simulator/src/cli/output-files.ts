import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import type { LoadReport } from '../report/schema.ts'
import type { RunOptions } from '../run/run-scenario.ts'
import type { RunFlags } from './flags.ts'

/** The files that a run leaves behind. Once the run is under way nothing here throws: the report itself must not be lost with a full disk. */
export interface Files {
  readonly label: NonNullable<RunOptions['label']>
  readonly report: (report: LoadReport) => void
  readonly close: () => void
  /** What could not be written, as a sentence. */
  readonly problem: () => string | undefined
}

/** Opened before the run: a path that cannot be written is found out before the ten minutes, not after. Throws {@link UsageError}. */
export function openFiles({ out, truth }: RunFlags, directory: string): Files {
  if (out !== undefined) usable('--out', out, () => checkTarget(resolve(directory, out)))
  const truthFile =
    truth === undefined
      ? undefined
      : usable('--truth', truth, () => openSync(resolve(directory, truth), 'w'))
  const problems = new Map<string, string>()
  const attempt = (flag: string, write: () => void): void => {
    try {
      if (!problems.has(flag)) write()
    } catch (error) {
      problems.set(flag, `${flag} could not be written (${codeOf(error)})`)
    }
  }
  return {
    label: (label) => {
      if (truthFile === undefined) return
      attempt(`--truth ${truth ?? ''}`, () => writeSync(truthFile, `${JSON.stringify(label)}\n`))
    },
    report: (report) => {
      if (out === undefined) return
      attempt(`--out ${out}`, () => {
        writeWhole(resolve(directory, out), `${JSON.stringify(report, null, 2)}\n`)
      })
    },
    close() {
      if (truthFile !== undefined) closeSync(truthFile)
    },
    problem: () => (problems.size > 0 ? [...problems.values()].join('; ') : undefined),
  }
}

/**
 * Writes a file whole or not at all: whoever reads it never sees half of it, and what was there stays until then. Devices and pipes are written
 * to directly. Throws as `node:fs` does.
 */
export function writeWhole(file: string, text: string): void {
  if (existsSync(file) && !statSync(file).isFile()) {
    writeFileSync(file, text)
    return
  }
  const beside = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`)
  try {
    const descriptor = openSync(beside, 'w')
    try {
      writeFileSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}

function checkTarget(file: string): void {
  if (!existsSync(file) || statSync(file).isFile()) accessSync(dirname(file), constants.W_OK)
  if (!existsSync(file)) return
  if (statSync(file).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
  accessSync(file, constants.W_OK)
}

function usable<Result>(flag: string, path: string, use: () => Result): Result {
  try {
    return use()
  } catch (error) {
    throw new UsageError(
      `${flag} ${path}: cannot be written (${codeOf(error)}); name a file in a folder that exists`,
    )
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unwritable'
}
