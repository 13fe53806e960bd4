import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const WORKSPACES = ['backend', 'dashboard', 'infra', 'simulator']
const NEEDED = [
  ...['backend', 'dashboard', 'infra', 'simulator', 'docs'],
  ...['package.json', 'package-lock.json', 'tsconfig.base.json'],
  // What is built already; it need not be there.
  ...['cdk.out', join('.gaugeline', 'build')],
]

/** A copy of this checkout whose sources a test may edit; what is installed and built is shared or copied. */
export interface CheckoutCopy {
  readonly root: string
  /** Replaces a text in a source. Throws when it is not there: the test has to follow the source. */
  edit(file: string, before: string, after: string): void
  remove(): void
}

export function copyCheckout(): CheckoutCopy {
  const copy = mkdtempSync(join(tmpdir(), 'gaugeline-checkout-'))
  const isWanted = (source: string): boolean =>
    !relative(root, source).split(sep).includes('node_modules')
  for (const name of NEEDED.filter((needed) => existsSync(join(root, needed)))) {
    cpSync(join(root, name), join(copy, name), { recursive: true, filter: isWanted })
  }
  linkModules(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const workspace of WORKSPACES) {
    linkModules(join(root, workspace, 'node_modules'), join(copy, workspace, 'node_modules'))
  }
  return {
    root: copy,
    edit(file, before, after) {
      const path = join(copy, file)
      const text = readFileSync(path, 'utf8')
      if (!text.includes(before)) throw new Error(`${file} has no ${before}`)
      writeFileSync(path, text.replace(before, after))
    },
    remove() {
      rmSync(copy, { recursive: true, force: true })
    },
  }
}

/** Each package is a link to the installed one; the workspaces are those of the copy. */
function linkModules(from: string, to: string): void {
  let names: string[]
  try {
    names = readdirSync(from)
  } catch {
    // A workspace without modules of its own.
    return
  }
  mkdirSync(to)
  for (const name of names) {
    if (name !== '@gaugeline' && !name.startsWith('.vite'))
      symlinkSync(join(from, name), join(to, name))
  }
  if (!names.includes('@gaugeline')) return
  mkdirSync(join(to, '@gaugeline'))
  for (const workspace of WORKSPACES) {
    symlinkSync(join(to, '..', workspace), join(to, '@gaugeline', workspace))
  }
}
