import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockDirectory } from './lock.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'gaugeline-lock-'))
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

/** A pid that nobody has: beyond the largest one Linux gives. */
const DEAD_PID = 2 ** 22 + 1

describe('the lock of a directory', () => {
  test('is made with the directory, holds the pid and goes with the unlock', async () => {
    const nested = path.join(dir, 'a/b')
    const unlock = await lockDirectory(nested, '--data-dir')
    expect(readFileSync(path.join(nested, 'gaugeline.lock'), 'utf8')).toBe(`${process.pid}\n`)
    await unlock()
    expect(existsSync(path.join(nested, 'gaugeline.lock'))).toBe(false)
    await (
      await lockDirectory(nested, '--data-dir')
    )()
  })

  test('a second one in the same process is refused, naming the flag', async () => {
    const unlock = await lockDirectory(dir, '--data-dir')
    await expect(lockDirectory(dir, '--data-dir')).rejects.toThrow('--data-dir')
    await unlock()
  })

  test('FLAG-8: one that another living process holds is refused, naming the process', async () => {
    writeFileSync(path.join(dir, 'gaugeline.lock'), `${process.ppid}\n`)
    await expect(lockDirectory(dir, '--data-dir')).rejects.toMatchObject({
      code: 'DIRECTORY_IN_USE',
      message: expect.stringContaining(`process ${process.ppid}`) as string,
    })
  })

  test.each([`${DEAD_PID}\n`, `${process.pid}\n`, '', 'nonsense'])(
    'one left by a killed process is taken over (%j)',
    async (content) => {
      writeFileSync(path.join(dir, 'gaugeline.lock'), content)
      const unlock = await lockDirectory(dir, '--data-dir')
      expect(readFileSync(path.join(dir, 'gaugeline.lock'), 'utf8')).toBe(`${process.pid}\n`)
      await unlock()
    },
  )

  test('FLAG-8: a directory that cannot be made is one line that names it', async () => {
    writeFileSync(path.join(dir, 'file'), '')
    await expect(lockDirectory(path.join(dir, 'file/sub'), '--data-dir')).rejects.toMatchObject({
      code: 'DIRECTORY_UNUSABLE',
      message: expect.stringMatching(/--data-dir.*file\/sub.*ENOTDIR/) as string,
    })
  })
})
