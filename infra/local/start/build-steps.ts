import { existsSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { readCloudAssembly } from '../cloud-assembly.ts'
import type { BuildStep } from './build.ts'

const CDK_OUT = 'cdk.out'
const DAY_MS = 86_400_000

/**
 * The assembly's own files, when every asset that they name is there. They name an asset by the hash of its content, so its 40 MB need not be read
 * at each start.
 */
async function assemblyFiles(root: string): Promise<readonly string[]> {
  const cdkOut = path.join(root, CDK_OUT)
  const assembly = await readCloudAssembly(cdkOut).catch(() => undefined)
  if (!assembly?.assets.every((asset) => existsSync(asset))) return []
  const files = await readdir(cdkOut, { withFileTypes: true })
  return files
    .filter((file) => file.isFile() && !file.name.startsWith('asset.'))
    .map((file) => path.join(CDK_OUT, file.name))
}

/** A running system may still start functions from yesterday's assets, so only old ones go. */
async function removeOldAssets(root: string): Promise<void> {
  const cdkOut = path.join(root, CDK_OUT)
  const { assets } = await readCloudAssembly(cdkOut)
  for (const name of await readdir(cdkOut)) {
    const file = path.join(cdkOut, name)
    if (!name.startsWith('asset.') || assets.includes(file)) continue
    if (Date.now() - (await stat(file)).mtimeMs > DAY_MS) {
      await rm(file, { recursive: true, force: true })
    }
  }
}

/** What `npm start` and `npm run synth` make. The template holds the dashboard as an asset, therefore this order. */
export const buildSteps: readonly BuildStep[] = [
  {
    name: 'dashboard',
    title: 'building the dashboard',
    sources: [
      'dashboard/index.html',
      'dashboard/public',
      'dashboard/src',
      'dashboard/vite.config.ts',
      'dashboard/package.json',
      'backend/src/protocol',
    ],
    outputs: () => Promise.resolve(['dashboard/dist']),
    command: ['../node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'],
    cwd: 'dashboard',
  },
  {
    name: 'template',
    title: 'synthesizing the CDK app',
    sources: [
      'infra/cloud',
      'infra/package.json',
      'backend/src',
      'backend/package.json',
      'dashboard/dist',
      'docs/runbook.md',
      'package.json',
      'cdk.json',
    ],
    outputs: assemblyFiles,
    command: ['--import', 'tsx', 'infra/cloud/bin/gaugeline.ts'],
    tidy: removeOldAssets,
  },
]
