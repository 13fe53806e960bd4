import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AwsError } from './errors.ts'
import type { Clock } from './types.ts'

/** With less than this nothing new is taken in, so that what was taken in can be brought to its end and the tables never meet a full disk. */
const RESERVE_BYTES = 16 * 1024 * 1024
/** There is room again from here on; more than the reserve, so that the two do not alternate. */
const ROOM_BYTES = 24 * 1024 * 1024
const LOOK_EVERY_MS = 1000

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT'])
/** What the file system says when it cannot take a write (errno(3)); the last three when somebody took the directory away. */
const REFUSALS = new Set([
  ...NO_ROOM,
  ...['EROFS', 'EACCES', 'EPERM', 'EIO', 'EFBIG'],
  ...['ENOENT', 'ENOTDIR', 'EEXIST'],
])

/** What the disk below `--data-dir` refuses: AwsError `InternalFailure` (500). It passes, and nothing of it is AWS's. */
export class DiskRefused extends AwsError {}

/** The disk below `--data-dir`, as everything that keeps something there sees it. */
export interface Disk {
  /** Throws {@link DiskRefused} while nothing new may be taken in. */
  admit(): void
  /** Runs a write. A refusal of the disk is told to the person once and thrown as {@link DiskRefused}. */
  write<T>(work: () => T): T
  /** The same for a write that has failed already. */
  failed(cause: unknown): AwsError
  /** Calls back when a disk that refused takes writes again; returns the removal. */
  onRoom(listener: () => void): () => void
}

export interface DiskOptions {
  readonly directory: string
  readonly clock: Clock
  /** One line for the person at the terminal. */
  readonly tell: (line: string) => void
  /** Bytes free below the directory; the file system's own answer when absent. */
  readonly freeBytes?: () => number
}

/** Nothing is refused before the first look; a look is due after a second, or at once when a write fails. */
export function createDisk(options: DiskOptions): Disk {
  const { clock, directory } = options
  const freeBytes = options.freeBytes ?? (() => freeBelow(directory))
  const listeners = new Set<() => void>()
  let reason: string | undefined
  let lookedMs = Number.NEGATIVE_INFINITY

  const refuse = (code: string): void => {
    if (reason !== undefined) return
    reason = code
    options.tell(NO_ROOM.has(code) ? fullText(directory, code) : unwritableText(directory, code))
    clock.after(LOOK_EVERY_MS, lookAgain)
  }
  const lookAgain = (): void => {
    if (!isWritable(directory) || freeBytes() < ROOM_BYTES) {
      clock.after(LOOK_EVERY_MS, lookAgain)
      return
    }
    reason = undefined
    options.tell(`--data-dir ${directory}: there is room again; readings are accepted.`)
    for (const listener of listeners) listener()
  }
  const look = (): void => {
    if (reason !== undefined || clock.monotonic() - lookedMs < LOOK_EVERY_MS) return
    lookedMs = clock.monotonic()
    if (freeBytes() < RESERVE_BYTES) refuse('ENOSPC')
  }
  const failed = (cause: unknown): AwsError => {
    const code = diskRefusal(cause)
    if (code === undefined) throw cause
    refuse(code)
    return refusal(directory, code, cause)
  }

  return {
    admit() {
      look()
      if (reason !== undefined) throw refusal(directory, reason)
    },
    write(work) {
      try {
        return work()
      } catch (cause) {
        throw failed(cause)
      }
    },
    failed,
    onRoom(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

/** The errno name when a disk refused (also as the cause of another error, or in LevelDB's words); undefined for any other failure. */
export function diskRefusal(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && REFUSALS.has(code)) return code
  if (code === 'LEVEL_IO_ERROR' || error.message.startsWith('IO error:')) {
    return error.message.includes('No space left') ? 'ENOSPC' : 'EIO'
  }
  return diskRefusal(error.cause)
}

function freeBelow(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    // A file system without that answer: its refusals tell.
    return Number.POSITIVE_INFINITY
  }
}

function isWritable(directory: string): boolean {
  const file = join(directory, 'room')
  try {
    writeFileSync(file, 'x')
    rmSync(file)
    return true
  } catch {
    return false
  }
}

const fullText = (directory: string, code: string): string =>
  `--data-dir ${directory}: the disk is full (${code}); readings are refused until there is room. Free at least ${ROOM_BYTES / 1024 / 1024} MB.`

const unwritableText = (directory: string, code: string): string =>
  `--data-dir ${directory}: it cannot be written (${code}); readings are refused until it can.`

function refusal(directory: string, code: string, cause?: unknown): DiskRefused {
  const what = NO_ROOM.has(code) ? 'the disk is full' : 'it cannot be written'
  return new DiskRefused('InternalFailure', `${directory}: ${what} (${code}); nothing was kept.`, {
    status: 500,
    ...(cause === undefined ? {} : { cause }),
  })
}
