import { diskRefusal } from '../platform/disk.ts'
import { StartError } from '../platform/errors.ts'

/** One line for a person about a disk that refused what lies in `--data-dir`; undefined when the error is about something else. */
export function dataDirRefusal(
  error: unknown,
  dataDir: string | undefined,
): StartError | undefined {
  if (dataDir === undefined || error instanceof StartError) return undefined
  const code = diskRefusal(error)
  // At a start something else may be missing just as well.
  if (code === undefined || code === 'ENOENT') return undefined
  const wayOut =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'the disk is full; free some space'
      : 'make it writable'
  return new StartError(
    'DATA_DIR_UNWRITABLE',
    `--data-dir ${dataDir} cannot be written (${code}): ${wayOut}, or choose another directory with --data-dir`,
    { cause: error },
  )
}
