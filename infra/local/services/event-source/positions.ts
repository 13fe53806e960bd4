import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { Kept } from '../../platform/kept.ts'
import type { Clock } from '../../platform/types.ts'

const SAVE_AFTER_MS = 200
/** After the disk refused. */
const SAVE_AGAIN_MS = 1000
/** Before every sequence number: the position of a mapping that began at the end of an empty shard. */
export const BEGINNING = ''

/** How far each mapping has come in each shard. */
export interface Positions {
  /** {@link BEGINNING} or the last finished sequence number; undefined when the mapping is new. */
  get(mappingId: string, shardId: string): string | undefined
  set(mappingId: string, shardId: string, sequenceNumber: string): void
  /** Writes what has not been written. Never throws: without room the last moment is delivered again. */
  save(): void
}

/**
 * Kept on disk (in memory when `kept` is absent), written a moment after a change: what a killed process finished in its last moment is delivered
 * again, which at-least-once allows (K33). While the disk refuses, writing is tried again each second. Throws StartError `DATA_DIR_POSITIONS`
 * when there is a file that cannot be read: to begin at the start or the end of the stream instead would repeat or lose readings.
 */
export function createPositions(clock: Clock, kept: Kept | undefined): Positions {
  const file = kept && join(kept.path, 'positions.json')
  if (kept) mkdirSync(kept.path, { recursive: true })
  const positions = file === undefined ? new Map<string, string>() : read(file)
  let cancel: (() => void) | undefined

  const save = (): void => {
    if (!cancel) return
    cancel()
    cancel = undefined
    if (!kept || file === undefined) return
    try {
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(positions)))
      renameSync(`${file}.new`, file)
    } catch (cause) {
      kept.disk.failed(cause)
      cancel = clock.after(SAVE_AGAIN_MS, save)
    }
  }
  return {
    get: (mappingId, shardId) => positions.get(`${mappingId}/${shardId}`),
    set(mappingId, shardId, sequenceNumber) {
      positions.set(`${mappingId}/${shardId}`, sequenceNumber)
      if (file !== undefined) cancel ??= clock.after(SAVE_AFTER_MS, save)
    },
    save,
  }
}

function read(file: string): Map<string, string> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const entries = isObject(parsed) ? Object.entries(parsed) : []
    return new Map(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch (cause) {
    // No file yet: every mapping begins at its starting position.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(
      'DATA_DIR_POSITIONS',
      `${file} cannot be read: ${reason}. Restore it, or delete it to deliver from the mappings' starting positions again.`,
      { cause },
    )
  }
}
