import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { build } from './build.ts'
import type { BuildStep } from './build.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'gaugeline-build-'))
  writeFileSync(path.join(root, 'source.txt'), 'one')
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

/** Appends a letter to a counter and copies source to output. */
const copy: BuildStep = {
  name: 'copy',
  title: 'copying',
  sources: ['source.txt'],
  outputs: () => Promise.resolve(['output.txt']),
  command: [
    '-e',
    'const fs = require("fs"); fs.appendFileSync("runs", "x"); fs.copyFileSync("source.txt", "output.txt")',
  ],
}
const runs = (): number =>
  existsSync(path.join(root, 'runs')) ? readFileSync(path.join(root, 'runs'), 'utf8').length : 0

async function make(step: BuildStep = copy, validate = false): Promise<string[]> {
  const titles: string[] = []
  const progress = (title: string, tookMs?: number): void => {
    if (tookMs === undefined) titles.push(title)
  }
  await build([step], { root, validate, signal: new AbortController().signal, progress })
  return titles
}

describe('a build step', () => {
  test('runs once for the same sources and says when it does', async () => {
    expect(await make()).toEqual(['copying'])
    expect(await make()).toEqual([])
    expect(runs()).toBe(1)
  })

  test.each<[string, () => void]>([
    ['a source changed', () => writeFileSync(path.join(root, 'source.txt'), 'two')],
    ['the output is gone', () => rmSync(path.join(root, 'output.txt'))],
    ['somebody else wrote the output', () => writeFileSync(path.join(root, 'output.txt'), '?')],
    ['the lock file changed', () => writeFileSync(path.join(root, 'package-lock.json'), '{}')],
    ['the stamp is torn', () => writeFileSync(path.join(root, '.gaugeline/build/copy.json'), '{')],
  ])('runs again when %s', async (_, change) => {
    await make()
    change()
    await make()
    expect(runs()).toBe(2)
  })

  test('runs again to be validated, and not a third time', async () => {
    await make()
    await make(copy, true)
    await make(copy, true)
    await make()
    expect(runs()).toBe(2)
  })

  test('that fails says what the tool said, without its stack, and is tried again', async () => {
    const failing: BuildStep = {
      ...copy,
      command: [
        '-e',
        'console.error("\\u001b[31mno such page\\u001b[0m\\n    at f (x.js:1:1)"); process.exit(3)',
      ],
    }
    await expect(make(failing)).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: 'copying failed:\nno such page',
    })
    await make()
    expect(runs()).toBe(1)
  })

  test('two starts at once build once', async () => {
    const signal = new AbortController().signal
    const options = { root, validate: false, signal, progress: () => undefined }
    await Promise.all([build([copy], options), build([copy], options)])
    expect(runs()).toBe(1)
  })
})
