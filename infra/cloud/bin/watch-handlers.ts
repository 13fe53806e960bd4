import { mkdirSync, watch, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildContext, context, type Metafile } from 'esbuild'
import { bundleOptions } from '../bundle.ts'

/**
 * A process of `npm run dev`: bundles those handlers again that a changed source belongs to, and prints a JSON line for each outcome:
 * `{"changed": [names]}` once their `{name}/index.mjs` lie in the directory it was given, or `{"error": text}`. The first line tells
 * that it is ready.
 */

const SETTLE_MS = 30
const SOURCE = 'backend/src'

const [outdir = ''] = process.argv.slice(2)
if (outdir === '') throw new TypeError('the directory for the bundles is missing')
const root = fileURLToPath(new URL('../../..', import.meta.url))
const bundlers = new Map<string, BuildContext<{ write: false; metafile: true }>>()
/** Sources of each handler, relative to the root. */
const sourcesOf = new Map<string, ReadonlySet<string>>()
const written = new Map<string, string>()

const say = (outcome: object): void => void process.stdout.write(`${JSON.stringify(outcome)}\n`)
const nameOf = (path: string): string => dirname(relative(outdir, path))
const entryNamed = (name: string) =>
  bundleOptions.entryPoints.filter(({ out }) => dirname(out) === name)

/** An incremental bundler of exactly these handlers. */
async function bundlerOf(names: readonly string[]) {
  const key = names.join(' ')
  const known = bundlers.get(key)
  if (known) return known
  const made = await context({
    ...bundleOptions,
    entryPoints: names.flatMap(entryNamed),
    outdir,
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  bundlers.set(key, made)
  return made
}

function learnSources({ outputs }: Metafile): void {
  for (const [path, { inputs }] of Object.entries(outputs)) {
    sourcesOf.set(nameOf(join(root, path)), new Set(Object.keys(inputs)))
  }
}

async function bundle(names: readonly string[]): Promise<void> {
  const { outputFiles, metafile } = await (await bundlerOf(names)).rebuild()
  learnSources(metafile)
  const changed = outputFiles.filter(({ path, hash }) => written.get(path) !== hash)
  for (const { path, hash, contents } of changed) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, contents)
    written.set(path, hash)
  }
  say({ changed: changed.map(({ path }) => nameOf(path)) })
}

const pending = new Set<string>()
let work = Promise.resolve()

function bundlePending(): void {
  const files = [...pending]
  pending.clear()
  const names = [...sourcesOf].flatMap(([name, sources]) =>
    files.some((file) => sources.has(file)) ? [name] : [],
  )
  if (names.length > 0) bundleNext(names)
}

function bundleNext(names: readonly string[]): void {
  work = work
    .then(() => bundle(names))
    .catch((error: unknown) => {
      say({ error: error instanceof Error ? error.message : String(error) })
    })
}

let timer: NodeJS.Timeout | undefined
watch(join(root, SOURCE), { recursive: true }, (_, file) => {
  if (file === null) return
  pending.add(`${SOURCE}/${file}`)
  clearTimeout(timer)
  timer = setTimeout(bundlePending, SETTLE_MS)
})
bundleNext(bundleOptions.entryPoints.map(({ out }) => dirname(out)))
