#!/usr/bin/env node
// The door of `npm run token`.
import { ensureInstalled } from './install.mjs'

await ensureInstalled()
const { register } = await import('tsx/esm/api')
register()
const { main } = await import('../start/token-main.ts')
process.exitCode = await main(process.argv.slice(2))
