#!/usr/bin/env node
// The door of `npm run simulate`. TypeScript is read in this process, without tsx's own around it: Ctrl-C arrives once, and the exit code is ours.
import { register } from 'tsx/esm/api'

register()
await import('../src/main.ts')
