import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

const isSource = (entry: Dirent): boolean =>
  entry.name !== 'node_modules' && !/\.(test|browser\.test)\.ts$/.test(entry.name)

async function filesBelow(target: string): Promise<readonly string[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(target, { withFileTypes: true })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOTDIR') return [target]
    if (code === 'ENOENT') return []
    throw error
  }
  const nested = await Promise.all(
    entries
      .filter(isSource)
      .map(async (entry) =>
        entry.isDirectory()
          ? filesBelow(path.join(target, entry.name))
          : [path.join(target, entry.name)],
      ),
  )
  return nested.flat()
}

/**
 * SHA-256 over names and contents of files and of everything below directories; tests and `node_modules` do not count. Something that
 * does not exist counts as absent. `extra` is hashed too (versions, flags).
 */
export async function contentHash(
  root: string,
  targets: readonly string[],
  extra: readonly string[] = [],
): Promise<string> {
  const found = await Promise.all(targets.map((target) => filesBelow(path.join(root, target))))
  const files = [...new Set(found.flat())].sort()
  const contents = await Promise.all(files.map((file) => readFile(file)))
  const hash = createHash('sha256').update(JSON.stringify(extra))
  files.forEach((file, index) => {
    const content = contents[index] ?? Buffer.alloc(0)
    hash.update(`\n${path.relative(root, file)} ${content.length}\n`).update(content)
  })
  return hash.digest('hex')
}
