import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import { readJsonFile, writeJsonFile } from '../../platform/json-file.ts'
import type { Kept } from '../../platform/kept.ts'
import type { Clock } from '../../platform/types.ts'

const SAVE_AFTER_MS = 200
/** After the disk refused. */
const SAVE_AGAIN_MS = 1000
/** Before every sequence number: the checkpoint of a mapping that began at the end of an empty shard. */
export const BEGINNING = ''

/** How far each mapping has come in each shard. */
export interface Checkpoints {
  /** {@link BEGINNING} or the last finished sequence number; undefined when the mapping is new. */
  get(mappingId: string, shardId: string): string | undefined
  set(mappingId: string, shardId: string, sequenceNumber: string): void
  /** Of a mapping that was deleted: one of the same id begins at its starting position. */
  forget(mappingId: string): void
  /** Writes what has not been written. Never throws: without room the last moment is delivered again. */
  save(): void
}

/**
 * Kept on disk (in memory when `kept` is absent), written a moment after a change: what a killed process finished in its last moment is delivered
 * again, which at-least-once allows (KINESIS-33). While the disk refuses, writing is tried again each second. Throws StartError `DATA_DIR_CHECKPOINTS`
 * when there is a file that cannot be read: to begin at the start or the end of the stream instead would repeat or lose readings.
 */
export function createCheckpoints(clock: Clock, kept: Kept | undefined): Checkpoints {
  const file = kept && join(kept.path, 'checkpoints.json')
  if (kept) mkdirSync(kept.path, { recursive: true, mode: 0o700 })
  const checkpoints = file === undefined ? new Map<string, string>() : read(file)
  let cancel: (() => void) | undefined

  const save = (): void => {
    if (!cancel) return
    cancel()
    cancel = undefined
    if (!kept || file === undefined) return
    try {
      writeJsonFile(file, Object.fromEntries(checkpoints))
    } catch (cause) {
      kept.disk.failed(cause)
      cancel = clock.after(SAVE_AGAIN_MS, save)
    }
  }
  const changed = (): void => {
    if (file !== undefined) cancel ??= clock.after(SAVE_AFTER_MS, save)
  }
  return {
    get: (mappingId, shardId) => checkpoints.get(`${mappingId}/${shardId}`),
    set(mappingId, shardId, sequenceNumber) {
      checkpoints.set(`${mappingId}/${shardId}`, sequenceNumber)
      changed()
    },
    forget(mappingId) {
      for (const key of checkpoints.keys()) {
        if (key.startsWith(`${mappingId}/`)) checkpoints.delete(key)
      }
      changed()
    },
    save,
  }
}

function read(file: string): Map<string, string> {
  try {
    const value = readJsonFile(file)
    // No file yet: every mapping begins at its starting position.
    const entries = isObject(value) ? Object.entries(value) : []
    return new Map(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(
      'DATA_DIR_CHECKPOINTS',
      `${file} cannot be read: ${reason}. Restore it, or delete it to deliver from the mappings' starting positions again.`,
      { cause },
    )
  }
}
