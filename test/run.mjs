#!/usr/bin/env node
// `npm test`: installs what is missing, then every check and every test. Node built-ins only: it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from '../infra/local/bin/install.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs one step with its output shown. Returns whether it succeeded. */
function step(title, command, args) {
  process.stdout.write(`\n── ${title}\n`)
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0
}

function tally(file) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
      readFileSync(file, 'utf8'),
    )
    return {
      passed: numPassedTests,
      failed: Math.max(numFailedTests, numFailedTestSuites),
      skipped: numPendingTests,
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

await ensureInstalled()
const isChecked = step('check: format, lint, types, arrows, dead code', process.execPath, [
  'test/check.mjs',
])
const directory = mkdtempSync(join(tmpdir(), 'gaugeline-test-'))
const report = join(directory, 'report.json')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const isTested = step('tests', process.execPath, [
  vitest,
  'run',
  '--reporter=dot',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
])
const { passed, failed, skipped } = tally(report)
rmSync(directory, { recursive: true, force: true })
const failures = failed + (isChecked ? 0 : 1) + (!isTested && failed === 0 ? 1 : 0)
process.stdout.write(
  `\n${passed + (isChecked ? 1 : 0)} passed, ${failures} failed${skipped ? `, ${skipped} skipped` : ''}\n`,
)
process.exitCode = failures === 0 && passed > 0 ? 0 : 1
