import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync, type BuildOptions } from 'esbuild'
import { services } from '../../backend/src/contract.ts'
import { ConfigError } from './config-values.ts'

/** A function's name: also its file under `backend/src/handlers`, its log group's and its metrics' `service`. */
export type FunctionName = (typeof services)[keyof typeof services]

/** Directory with `index.mjs` of one function. */
export type Bundle = (name: FunctionName) => string

const root = fileURLToPath(new URL('../..', import.meta.url))
const sourceOf = (name: FunctionName) => `backend/src/handlers/${name}.ts`

/** How every handler becomes `{name}/index.mjs`; the outputs' paths are relative to `outdir`. */
export const bundleOptions = {
  absWorkingDir: root,
  entryPoints: Object.values(services).map((name) => ({
    in: sourceOf(name),
    out: `${name}/index`,
  })),
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  mainFields: ['module', 'main'],
  charset: 'utf8',
  legalComments: 'none',
} satisfies BuildOptions

/**
 * Bundles every handler with one esbuild call: ES modules with the SDK inside, readable (a stack trace names our lines), the
 * same bytes for the same sources. Throws {@link ConfigError} naming a handler that does not exist.
 */
export function bundleHandlers(): Bundle {
  const names = Object.values(services)
  const missing = names.filter((name) => !existsSync(join(root, sourceOf(name))))
  if (missing.length > 0)
    throw new ConfigError(
      `No handler for ${missing.map(sourceOf).join(', ')}: write the file or remove the name from services in backend/src/contract.ts.`,
    )
  const directory = mkdtempSync(join(tmpdir(), 'gaugeline-bundle-'))
  // The CDK copies the bundles into cdk.out.
  process.once('exit', () => {
    rmSync(directory, { recursive: true, force: true })
  })
  buildSync({ ...bundleOptions, outdir: directory, logLevel: 'warning' })
  return (name) => join(directory, name)
}
