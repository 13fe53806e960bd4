import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A file system of its own, so small that a test can fill it. */
export interface SmallDisk {
  readonly path: string
  /** Writes until nothing more fits. */
  fill(): void
  /** Takes back what `fill` wrote. */
  free(): void
  unmount(): void
}

/** Mounts a tmpfs, in memory. A text says why that is not possible here (it needs Linux and the right to mount). */
export function mountSmallDisk(
  path: string,
  { megabytes, readOnly = false }: { readonly megabytes: number; readonly readOnly?: boolean },
): SmallDisk | string {
  mkdirSync(path, { recursive: true })
  const options = `size=${megabytes}m${readOnly ? ',ro' : ''}`
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    return `a small file system cannot be mounted here: ${String(error).split('\n')[0] ?? ''}`
  }
  const filler = join(path, 'filler')
  return {
    path,
    fill() {
      const file = openSync(filler, 'w')
      const block = Buffer.alloc(65_536)
      try {
        for (let size = block.length; size > 0;) {
          try {
            writeSync(file, block, 0, size)
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
            size = Math.floor(size / 2)
          }
        }
      } finally {
        closeSync(file)
      }
    },
    free() {
      rmSync(filler)
    },
    unmount() {
      execFileSync('umount', ['--lazy', path])
    },
  }
}
