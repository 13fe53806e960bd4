import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, rm, writeFile } from 'node:fs/promises'

/** Who holds a lock, when it is not the caller. */
export interface Holder {
  /** Undefined when another start is just taking it. */
  readonly pid: number | undefined
}

/**
 * Takes `file`, which holds the pid of its holder, or says who has it. One that a process left behind is taken over. Removing such a file is
 * the one dangerous step: between the look and the removal somebody else may have taken it over. So it is done under a lock of its own
 * (`{file}.takeover`, for milliseconds), after a second look. Throws what the file system throws.
 */
export async function takeLock(file: string): Promise<Holder | undefined> {
  if (await create(file)) return undefined
  const holder = await holderOf(file)
  if (holder !== undefined) return { pid: holder }
  const takeover = `${file}.takeover`
  const other = await takeLock(takeover)
  if (other) return { pid: undefined }
  try {
    const since = await holderOf(file)
    if (since !== undefined) return { pid: since }
    await rm(file, { force: true })
    return (await create(file)) ? undefined : { pid: await holderOf(file) }
  } finally {
    await rm(takeover, { force: true })
  }
}

/** Makes the file with its content in one step, so that nobody sees it empty. False when there is one. */
async function create(file: string): Promise<boolean> {
  const own = `${file}.${randomUUID()}`
  try {
    await writeFile(own, `${process.pid}\n`, { mode: 0o600 })
    await link(own, file)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== undefined && NO_LINKS.has(code)) return await createWithoutLink(file)
    throw error
  } finally {
    await rm(own, { force: true })
  }
}

/** What a file system without hard links (FAT, some network shares) answers. */
const NO_LINKS = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EMLINK'])

async function createWithoutLink(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** The living process that holds it. Not this one: its own pid in a file says nothing, a container may give the same one again. */
async function holderOf(file: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  return Number.isInteger(pid) && pid !== process.pid && isRunning(pid) ? pid : undefined
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

/** Killed, but its parent has not looked yet (Linux, proc(5)): it holds nothing any more. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return /^[ZX]$/.test(stat.slice(stat.lastIndexOf(')') + 2).charAt(0))
  } catch {
    return false
  }
}
