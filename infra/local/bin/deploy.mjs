#!/usr/bin/env node
// The door of `npm run deploy`: installs what is missing, then runs the program beside the CDK app with whatever follows.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.mjs'

await ensureInstalled()
const { status } = spawnSync(
  process.execPath,
  [
    '--import',
    'tsx',
    fileURLToPath(new URL('../../cloud/bin/deploy.ts', import.meta.url)),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
)
process.exitCode = status ?? 1
