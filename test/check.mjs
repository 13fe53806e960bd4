#!/usr/bin/env node
// `npm run check`: every static check, each with its own verdict. All run, so that one round of mending is enough.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))

const checks = [
  ['lint', 'eslint', ['.', '--max-warnings', '0']],
  ['format', 'prettier', ['--check', '--log-level', 'warn', '.']],
  ['types backend', 'tsc', ['-p', 'backend']],
  ['types infra', 'tsc', ['-p', 'infra']],
  ['types simulator', 'tsc', ['-p', 'simulator']],
  ['types test', 'tsc', ['-p', 'test']],
  ['types dashboard', 'vue-tsc', ['-p', 'dashboard', '--noEmit']],
  [
    'arrows',
    'depcruise',
    [
      '--config',
      '.dependency-cruiser.cjs',
      'backend/src',
      'infra',
      'dashboard/src',
      'simulator/src',
    ],
  ],
  ['dead code', 'knip', ['--no-progress']],
  ['conformance page', 'tsx', ['test/conformance/document.ts', '--check']],
]

function run([name, command, args]) {
  return new Promise((resolve) => {
    const child = spawn(bin(command), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ name, isOk: false, output: error.message }))
    child.on('close', (code) => resolve({ name, isOk: code === 0, output }))
  })
}

const queue = [...checks]
let failed = 0
await Promise.all(
  Array.from({ length: Math.min(4, availableParallelism()) }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { name, isOk, output } = await run(next)
      process.stdout.write(`${isOk ? '✓' : '✗'} ${name}\n${isOk ? '' : `${output}\n`}`)
      if (!isOk) failed++
    }
  }),
)
process.exitCode = failed === 0 ? 0 : 1
