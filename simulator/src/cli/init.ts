import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Terminal } from './terminal.ts'

const template = join(import.meta.dirname, '../../scenarios/first.yaml')

/** Writes the commented scenario that ships with the simulator. Never over a file that is there: that is a {@link UsageError}. */
export function writeFirstScenario(file: string, { directory, out }: Terminal): void {
  try {
    writeFileSync(resolve(directory, file), readFileSync(template), { flag: 'wx' })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unwritable'
    throw new UsageError(
      code === 'EEXIST'
        ? `${file} is there already; name another file`
        : `${file}: cannot be written (${code}); name a file in a folder that exists`,
    )
  }
  out(
    `${file} is written. What it comes to: npm run simulate -- plan ${file}. Run it: npm run simulate -- run ${file}\n`,
  )
}
