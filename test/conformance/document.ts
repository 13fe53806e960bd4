import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { page, unaccounted } from './page.ts'
import { readPage, readProofs } from './titles.ts'

/** Writes docs/conformance.md from the titles of the tests; with `--check` it only says whether the page is up to date. Never runs a test. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const file = join(root, 'docs/conformance.md')
const proofs = await readProofs(root)
const missing = unaccounted(proofs)
const text = page(proofs)
if (missing.length > 0) {
  process.stderr.write(
    `${missing.join(', ')}: no test begins with these items, and neither differences.ts nor items.ts says why\n`,
  )
  process.exitCode = 1
} else if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (readPage(file) !== text) {
  process.stderr.write('docs/conformance.md is out of date: npm run conformance\n')
  process.exitCode = 1
}
