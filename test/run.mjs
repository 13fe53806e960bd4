#!/usr/bin/env node
// `npm test`: installs what is missing, then every check and every test. Node built-ins only: it runs before anything is installed.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from '../infra/local/bin/install.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'gaugeline-test-'))
const cores = availableParallelism()
/** What was said about failures: shown in full at the end, where it is looked for. */
const complaints = []

/** Runs a script of Node, its lines shown as they come. Resolves with whether it succeeded. */
function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' },
    })
    child.stdout.on('data', (chunk) => process.stdout.write(chunk))
    child.stderr.on('data', (chunk) => complaints.push(chunk))
    child.on('close', (code) => resolve(code === 0))
  })
}

const nothing = { passed: 0, failed: 0, skipped: 0, files: [] }

function readReport(file, isOk) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    const failed = Math.max(report.numFailedTests, report.numFailedTestSuites)
    return {
      passed: report.numPassedTests,
      // An error between the tests, or too little of something, fails a run without failing a test.
      failed: failed === 0 && !isOk ? 1 : failed,
      skipped: report.numPendingTests,
      files: report.testResults.map(({ name, startTime, endTime }) => ({
        name: relative(root, name),
        seconds: (endTime - startTime) / 1_000,
      })),
    }
  } catch {
    return { ...nothing, failed: 1 }
  }
}

let reports = 0
async function tests(workers, args) {
  const report = join(directory, `${++reports}.json`)
  const isOk = await run([
    ...['node_modules/vitest/vitest.mjs', 'run', `--maxWorkers=${workers}`],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ...args,
  ])
  return readReport(report, isOk)
}

async function checks() {
  const isOk = await run(['test/check.mjs', '--jobs', String(Math.max(1, cores - 1))])
  return { ...nothing, passed: isOk ? 1 : 0, failed: isOk ? 0 : 1 }
}

const projects = (...names) => names.flatMap((name) => ['--project', name])

/**
 * Three queues side by side. Tests of whole systems wait as much as they compute, so they share the cores with what only computes: the checks,
 * then all other tests.
 */
async function everything() {
  const shared = tests(1, projects('e2e'))
  const systems = tests(Math.max(1, cores - 1), projects('systems', 'faults'))
  const checked = await checks()
  const others = await tests(
    Math.max(1, cores - 1),
    projects('unit', 'cloud', 'dashboard', 'contract', 'conformance', 'conformance-target'),
  )
  return [checked, others, await shared, await systems]
}

/** With arguments for vitest only what they name, after the checks. */
async function some(args) {
  return [await checks(), await tests(cores, args)]
}

function say(results) {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  if (sum('failed') > 0) process.stdout.write(`\n${Buffer.concat(complaints).toString()}`)
  const slowest = results.flatMap(({ files }) => files).sort((a, b) => b.seconds - a.seconds)
  process.stdout.write('\nThe slowest files:\n')
  for (const { name, seconds } of slowest.slice(0, 10))
    process.stdout.write(`${seconds.toFixed(1).padStart(7)} s  ${name}\n`)
  const skipped = sum('skipped')
  process.stdout.write(
    `\n${sum('passed')} passed, ${sum('failed')} failed${skipped ? `, ${skipped} skipped` : ''}\n`,
  )
  return sum('failed') === 0 && sum('passed') > 0
}

await ensureInstalled()
const args = process.argv.slice(2)
const results = args.length === 0 ? await everything() : await some(args)
rmSync(directory, { recursive: true, force: true })
process.exitCode = say(results) ? 0 : 1
