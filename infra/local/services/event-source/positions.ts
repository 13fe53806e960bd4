import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from '../../platform/fields.ts'
import type { Clock } from '../../platform/types.ts'

const SAVE_AFTER_MS = 200

/** How far each mapping has come in each shard. */
export interface Positions {
  get(mappingId: string, shardId: string): string | undefined
  set(mappingId: string, shardId: string, sequenceNumber: string): void
  /** Writes what has not been written. */
  close(): void
}

/**
 * Kept in `directory` (in memory when absent), written a moment after a change: what a killed process finished in its last moment is delivered
 * again, which at-least-once allows (K33).
 */
export function createPositions(clock: Clock, directory: string | undefined): Positions {
  const file = directory === undefined ? undefined : join(directory, 'positions.json')
  if (directory !== undefined) mkdirSync(directory, { recursive: true })
  const kept = file === undefined ? new Map<string, string>() : read(file)
  let cancel: (() => void) | undefined

  const save = (): void => {
    cancel?.()
    cancel = undefined
    if (file === undefined) return
    writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(kept)))
    renameSync(`${file}.new`, file)
  }
  return {
    get: (mappingId, shardId) => kept.get(`${mappingId}/${shardId}`),
    set(mappingId, shardId, sequenceNumber) {
      kept.set(`${mappingId}/${shardId}`, sequenceNumber)
      if (file !== undefined) cancel ??= clock.after(SAVE_AFTER_MS, save)
    },
    close() {
      if (cancel) save()
    },
  }
}

function read(file: string): Map<string, string> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const entries = isObject(parsed) ? Object.entries(parsed) : []
    return new Map(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    // No file yet: every mapping begins at its starting position.
    return new Map()
  }
}
