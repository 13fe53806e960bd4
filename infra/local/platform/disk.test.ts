import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock, type ManualClock } from './clock.ts'
import { createDisk, diskRefusal, type Disk } from './disk.ts'

let directory: string
let clock: ManualClock
let freeBytes: number
let told: string[]
let disk: Disk

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'disk-'))
  clock = manualClock()
  freeBytes = 1e9
  told = []
  disk = createDisk({
    directory,
    clock,
    tell: (line) => told.push(line),
    freeBytes: () => freeBytes,
  })
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const errno = (code: string): Error => Object.assign(new Error(`${code}: write`), { code })
const writeThatFails = (code: string) => () =>
  disk.write(() => {
    throw errno(code)
  })
const refusal = expect.objectContaining({ code: 'InternalFailure', status: 500 }) as Error

describe('the disk below --data-dir', () => {
  it('gives the result of a write that worked and admits the next', () => {
    expect(disk.write(() => 7)).toBe(7)
    disk.admit()
    expect(told).toEqual([])
  })

  it('tells once that it is full, whoever meets it first, and refuses what is new', () => {
    expect(writeThatFails('ENOSPC')).toThrow(refusal)
    expect(writeThatFails('ENOSPC')).toThrow(refusal)
    expect(() => {
      disk.admit()
    }).toThrow(refusal)
    expect(told).toEqual([
      `--data-dir ${directory}: the disk is full (ENOSPC); readings are refused until there is room. Free at least 24 MB.`,
    ])
  })

  it('names another reason', () => {
    expect(writeThatFails('EROFS')).toThrow(refusal)
    expect(told).toEqual([
      `--data-dir ${directory}: it cannot be written (EROFS); readings are refused until it can.`,
    ])
  })

  it('refuses what is new before the last megabytes are gone, and still writes what belongs to the old', () => {
    freeBytes = 15 * 1024 * 1024
    expect(() => {
      disk.admit()
    }).toThrow(refusal)
    expect(disk.write(() => 'position')).toBe('position')
  })

  it('admits again by itself when there is room for good, tells it and calls its listeners', async () => {
    let rooms = 0
    disk.onRoom(() => rooms++)
    expect(writeThatFails('ENOSPC')).toThrow(refusal)
    freeBytes = 20 * 1024 * 1024
    await clock.advance(10_000)
    expect(() => {
      disk.admit()
    }).toThrow(refusal)
    freeBytes = 1e9
    await clock.advance(1000)
    disk.admit()
    expect(rooms).toBe(1)
    expect(told[1]).toBe(`--data-dir ${directory}: there is room again; readings are accepted.`)
    expect(writeThatFails('EIO')).toThrow(refusal)
    expect(told).toHaveLength(3)
  })

  it('passes on what is no refusal of the disk', () => {
    expect(() =>
      disk.write(() => {
        throw new RangeError('a bug')
      }),
    ).toThrow(RangeError)
    expect(told).toEqual([])
  })

  it.each([
    [errno('ENOSPC'), 'ENOSPC'],
    [new Error('put failed', { cause: errno('EROFS') }), 'EROFS'],
    [new Error('IO error: /d/000005.log: No space left on device'), 'ENOSPC'],
    [Object.assign(new Error('x'), { code: 'LEVEL_IO_ERROR' }), 'EIO'],
    [errno('EADDRINUSE'), undefined],
    ['text', undefined],
  ])('reads %s as %s', (error, code) => {
    expect(diskRefusal(error)).toBe(code)
  })
})
