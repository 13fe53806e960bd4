import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock, type ManualClock } from '../../platform/clock.ts'
import { createDisk } from '../../platform/disk.ts'
import { createCheckpoints, type Checkpoints } from './checkpoints.ts'

let directory: string
let clock: ManualClock
let told: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'checkpoints-'))
  clock = manualClock()
  told = []
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

/** The checkpoints as they are after a start. Nobody saves them at the end: the process is killed. */
const open = (path = join(directory, 'checkpoints')): Checkpoints =>
  createCheckpoints(clock, {
    path,
    tell: (line) => told.push(line),
    disk: createDisk({ directory, clock, tell: (line) => told.push(line) }),
  })

describe('checkpoints of mappings', () => {
  it('are there after a kill, a moment after they were set', async () => {
    open().set('mapping', 'shard', '49')
    await clock.advance(1000)
    expect(open().get('mapping', 'shard')).toBe('49')
    expect(open().get('mapping', 'other')).toBeUndefined()
  })

  it('are there at once when saved', () => {
    const checkpoints = open()
    checkpoints.set('mapping', 'shard', '49')
    checkpoints.save()
    expect(open().get('mapping', 'shard')).toBe('49')
  })

  it('wait for the disk to take them, and harm nothing until then', async () => {
    const checkpoints = open()
    // A file in the way of the directory.
    rmSync(join(directory, 'checkpoints'), { recursive: true })
    writeFileSync(join(directory, 'checkpoints'), '')
    checkpoints.set('mapping', 'shard', '49')
    await clock.advance(5000)
    expect(told[0]).toContain('it cannot be written (ENOTDIR)')
    rmSync(join(directory, 'checkpoints'))
    expect(open().get('mapping', 'shard')).toBeUndefined()
    await clock.advance(5000)
    expect(open().get('mapping', 'shard')).toBe('49')
  })

  it('refuse a file that cannot be read instead of beginning somewhere else', () => {
    const path = join(directory, 'checkpoints')
    open().save()
    writeFileSync(join(path, 'checkpoints.json'), '{"mapping/sh')
    expect(() => open()).toThrow(expect.objectContaining({ code: 'DATA_DIR_CHECKPOINTS' }) as Error)
  })
})
