import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import type { LoadReport } from '../report/schema.ts'
import type { RunOptions } from '../run/run-scenario.ts'
import type { RunFlags } from './flags.ts'

/** The files that a run leaves behind. */
export interface Files {
  readonly label: NonNullable<RunOptions['label']>
  readonly report: (report: LoadReport) => void
  readonly close: () => void
}

/** Opened before the run: a path that cannot be written is found out before the ten minutes, not after. */
export function openFiles(flags: RunFlags, directory: string): Files {
  const open = (path: string | undefined, flag: string): number | undefined => {
    if (path === undefined) return undefined
    try {
      return openSync(resolve(directory, path), 'w')
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unwritable'
      throw new UsageError(
        `${flag} ${path}: cannot be written (${code}); name a file in a folder that exists`,
      )
    }
  }
  const [out, truth] = [open(flags.out, '--out'), open(flags.truth, '--truth')]
  return {
    label: (label) => {
      if (truth !== undefined) writeSync(truth, `${JSON.stringify(label)}\n`)
    },
    report: (report) => {
      if (out !== undefined) writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`)
    },
    close() {
      for (const file of [out, truth]) if (file !== undefined) closeSync(file)
    },
  }
}
