#!/usr/bin/env node
// The door of `npm run synth`.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.mjs'

await ensureInstalled()
const { register } = await import('tsx/esm/api')
register()
const { main } = await import('../start/synth-main.ts')
process.exitCode = await main(
  path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..'),
)
