import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { StartError } from '../platform/errors.ts'
import { takeLock } from './lock-file.ts'

/** Gives the directory back. */
export type Unlock = () => Promise<void>

/** Directories of this process: its own pid in a file says nothing, a container may give the same one again. */
const held = new Set<string>()

/**
 * Takes `{dir}/gaugeline.lock`, creating the directory. A lock of a process that is gone is taken over. Throws StartError
 * `DIRECTORY_IN_USE` when another instance runs there, `DIRECTORY_UNUSABLE` when it cannot be written. `flag` is named in both.
 */
export async function lockDirectory(dir: string, flag: string): Promise<Unlock> {
  const file = path.join(dir, 'gaugeline.lock')
  if (held.has(file)) throw inUse(dir, flag, process.pid)
  held.add(file)
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const holder = await takeLock(file)
    if (holder) throw inUse(dir, flag, holder.pid)
  } catch (cause) {
    held.delete(file)
    if (cause instanceof StartError) throw cause
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const wayOut =
      reason === 'ENOSPC' ? 'free some space there' : `choose a directory of yours with ${flag}`
    throw new StartError(
      'DIRECTORY_UNUSABLE',
      `${flag} ${dir} cannot be written (${reason}); ${wayOut}`,
      { cause },
    )
  }
  return async () => {
    await rm(file, { force: true })
    held.delete(file)
  }
}

function inUse(dir: string, flag: string, pid: number | undefined): StartError {
  const who = pid === undefined ? 'another start' : `process ${pid}`
  return new StartError(
    'DIRECTORY_IN_USE',
    `${dir} is in use by ${who}: stop that one, or choose another directory with ${flag}`,
  )
}
