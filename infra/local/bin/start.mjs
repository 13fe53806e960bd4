#!/usr/bin/env node
// The door of `npm start`. Only Node's own modules until the packages are there.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.mjs'

await ensureInstalled()
const { register } = await import('tsx/esm/api')
register()
const { main } = await import('../start/main.ts')
await main(
  process.argv.slice(2),
  path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..'),
)
