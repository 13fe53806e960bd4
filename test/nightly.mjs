#!/usr/bin/env node
// `npm run nightly`: what takes too long for each change, in its long form. Each step runs even when one before it failed.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = (...args) => ['node_modules/vitest/vitest.mjs', 'run', ...args]

const steps = [
  {
    name: 'every seed of the fault campaign',
    env: { GAUGELINE_NIGHTLY: '1' },
    command: vitest('--project', 'faults', 'test/faults/campaign.test.ts'),
  },
  {
    name: 'the model of who may see what, a million messages',
    env: { GAUGELINE_MODEL_SENDS: '1000000' },
    command: vitest('--project', 'unit', 'entitlement-model'),
  },
  {
    name: '100,000 fuzzed frames at the route',
    env: { GAUGELINE_FUZZ_RUNS: '100000' },
    command: vitest('--project', 'unit', 'backend/src/adapters/route.test.ts'),
  },
]

const failed = steps.filter(({ name, env, command }) => {
  process.stdout.write(`\n${name}\n`)
  const { status } = spawnSync(process.execPath, command, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return status !== 0
})
process.stdout.write(`\n${steps.length - failed.length} passed, ${failed.length} failed\n`)
process.exitCode = failed.length === 0 ? 0 : 1
