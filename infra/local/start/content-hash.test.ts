import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contentHash } from './content-hash.ts'

let root: string
const write = (file: string, content: string): void => {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), content)
}
const hash = (): Promise<string> => contentHash(root, ['src', 'package.json'])

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'gaugeline-hash-'))
  write('src/a.ts', 'a')
  write('src/deep/b.ts', 'b')
  write('package.json', '{}')
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

describe('the content hash', () => {
  test.each<[string, () => void]>([
    ['a changed file', () => write('src/deep/b.ts', 'B')],
    ['a new file', () => write('src/c.ts', '')],
    ['a removed file', () => rmSync(path.join(root, 'src/a.ts'))],
    ['a renamed file', () => renameSync(path.join(root, 'src/a.ts'), path.join(root, 'src/z.ts'))],
    ['a single target', () => write('package.json', '{ }')],
  ])('changes with %s', async (_, change) => {
    const before = await hash()
    change()
    expect(await hash()).not.toBe(before)
  })

  test.each<[string, () => void]>([
    ['another time', () => utimesSync(path.join(root, 'src/a.ts'), 1, 1)],
    ['a test', () => write('src/a.test.ts', 'x')],
    ['something outside the targets', () => write('docs/a.md', 'x')],
    ['packages', () => write('src/node_modules/x/index.js', 'x')],
  ])('does not change with %s', async (_, change) => {
    const before = await hash()
    change()
    expect(await hash()).toBe(before)
  })

  test('changes with the extra facts, and a target that does not exist is none', async () => {
    expect(await contentHash(root, ['src'], ['v20'])).not.toBe(
      await contentHash(root, ['src'], ['v22']),
    )
    expect(await contentHash(root, ['src', 'nowhere'])).toBe(await contentHash(root, ['src']))
  })
})
