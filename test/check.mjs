#!/usr/bin/env node
// `npm run check`: every static check, each with its own verdict and time. All run, so that one round of mending is enough. `--jobs N` runs
// N of them at once; as many as there are processors, at most 4, when absent.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ensureInstalled } from '../infra/local/bin/install.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({ options: { jobs: { type: 'string' } } })
const jobs = Number(values.jobs ?? Math.min(4, availableParallelism()))

const bin = (name) => [`node_modules/.bin/${name}`]
/** Keeps the syntax trees and types of the dashboard: young garbage is cheaper to collect in few large steps. */
const eslint = [process.execPath, '--max-semi-space-size=64', 'node_modules/eslint/bin/eslint.js']
/** The compiler in machine code, a third of the work; what needs the compiler as a library (eslint, vue-tsc) has the other one. */
const tsc = [process.execPath, 'node_modules/typescript-native/bin/tsc']

/** Longest first, so that none is alone at the end. */
const checks = [
  ['lint', bin('oxlint')],
  ['lint vue', [...eslint, '.', '--max-warnings', '0']],
  ['format', [...bin('oxfmt'), '--check', '.']],
  ['types dashboard', [...bin('vue-tsc'), '-p', 'dashboard', '--noEmit']],
  ['types test', [...tsc, '-p', 'test']],
  ['conformance page', [...bin('tsx'), 'test/conformance/document.ts', '--check']],
  ['types infra', [...tsc, '-p', 'infra']],
  [
    'arrows',
    [
      ...[...bin('depcruise'), '--config', '.dependency-cruiser.cjs'],
      ...['backend/src', 'infra', 'dashboard/src', 'simulator/src'],
    ],
  ],
  ['dead code', [...bin('knip'), '--no-progress']],
  ['facts', [process.execPath, 'test/facts.mjs']],
  ['types backend', [...tsc, '-p', 'backend']],
  ['types simulator', [...tsc, '-p', 'simulator']],
]

function run([name, [command, ...args]]) {
  const startedMs = Date.now()
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const end = (isOk) => resolve({ name, isOk, output, seconds: (Date.now() - startedMs) / 1_000 })
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => {
      output += error.message
      end(false)
    })
    child.on('close', (code) => end(code === 0))
  })
}

await ensureInstalled()
const queue = [...checks]
let failed = 0
await Promise.all(
  Array.from({ length: jobs }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { name, isOk, output, seconds } = await run(next)
      const verdict = ` ${isOk ? '✓' : '✗'} ${name} ${seconds.toFixed(1)} s`
      process.stdout.write(`${verdict}\n${isOk ? '' : `${output}\n`}`)
      if (!isOk) failed++
    }
  }),
)
process.exitCode = failed === 0 ? 0 : 1
