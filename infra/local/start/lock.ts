import { readFileSync } from 'node:fs'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { StartError } from '../platform/errors.ts'

/** Gives the directory back. */
export type Unlock = () => Promise<void>

/** Directories of this process: its own pid in a file says nothing, a container may give the same one again. */
const held = new Set<string>()

/** Killed, but its parent has not looked yet (Linux, proc(5)): it holds nothing any more. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return /^[ZX]$/.test(stat.slice(stat.lastIndexOf(')') + 2).charAt(0))
  } catch {
    return false
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    // EPERM: it runs and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function holderOf(file: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  return Number.isInteger(pid) && pid !== process.pid && isRunning(pid) ? pid : undefined
}

async function writeLock(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600)
    await handle.writeFile(`${process.pid}\n`)
    await handle.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Takes `{dir}/gaugeline.lock`, creating the directory. A lock of a process that is gone is taken over. Throws StartError
 * `DIRECTORY_IN_USE` when another instance runs there, `DIRECTORY_UNUSABLE` when it cannot be written. `flag` is named in both.
 */
export async function lockDirectory(dir: string, flag: string): Promise<Unlock> {
  const file = path.join(dir, 'gaugeline.lock')
  if (held.has(file)) throw inUse(dir, flag, process.pid)
  held.add(file)
  try {
    await mkdir(dir, { recursive: true })
    if (!(await writeLock(file))) {
      const holder = await holderOf(file)
      if (holder !== undefined) throw inUse(dir, flag, holder)
      await rm(file, { force: true })
      if (!(await writeLock(file))) throw inUse(dir, flag, await holderOf(file))
    }
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
