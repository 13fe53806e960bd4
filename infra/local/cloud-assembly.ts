import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { StartError } from './platform/errors.ts'
import type { AssetPath } from './template/assets.ts'
import { readAssets } from './template/assets.ts'
import type { Template } from './template/template.ts'
import { isRecord, readTemplate } from './template/template.ts'

/** What `npm run synth` left in `cdk.out`: the one stack, its template and its assets. */
export interface CloudAssembly {
  readonly stackName: string
  readonly template: Template
  readonly assetPath: AssetPath
  /** Paths of every asset. */
  readonly assets: readonly string[]
  /** `/Gaugeline/Tables/Connections/Resource`; undefined when the assembly does not say. */
  readonly constructPath: (logicalId: string) => string | undefined
}

interface StackArtifact {
  readonly id: string
  readonly stackName: string
  readonly templateFile: string
}

function stackOf(manifest: unknown): StackArtifact | undefined {
  const artifacts =
    isRecord(manifest) && isRecord(manifest['artifacts']) ? manifest['artifacts'] : {}
  for (const [id, artifact] of Object.entries(artifacts)) {
    if (!isRecord(artifact) || artifact['type'] !== 'aws:cloudformation:stack') continue
    const properties = isRecord(artifact['properties']) ? artifact['properties'] : {}
    const { stackName, templateFile } = properties
    return {
      id,
      stackName: typeof stackName === 'string' ? stackName : id,
      templateFile: typeof templateFile === 'string' ? templateFile : `${id}.template.json`,
    }
  }
  return undefined
}

/** Logical id → construct path, from the metadata beside the template; without the file nothing is known. */
async function readConstructPaths(file: string): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>()
  const metadata: unknown = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'))
  for (const [constructPath, entries] of Object.entries(isRecord(metadata) ? metadata : {})) {
    for (const entry of Array.isArray(entries) ? (entries as unknown[]) : []) {
      if (!isRecord(entry) || entry['type'] !== 'aws:cdk:logicalId') continue
      if (typeof entry['data'] === 'string') paths.set(entry['data'], constructPath)
    }
  }
  return paths
}

/** Reads `cdk.out`. Throws StartError `TEMPLATE_INVALID` or `ASSET_MISSING`, naming the way out. */
export async function readCloudAssembly(cdkOut: string): Promise<CloudAssembly> {
  const file = path.join(cdkOut, 'manifest.json')
  let manifest: unknown
  try {
    manifest = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new StartError('TEMPLATE_INVALID', `${file} cannot be read; run npm run synth first`, {
      cause,
    })
  }
  const stack = stackOf(manifest)
  if (!stack) {
    throw new StartError('TEMPLATE_INVALID', `${file} names no stack; run npm run synth again`)
  }
  const paths = await readConstructPaths(path.join(cdkOut, `${stack.id}.metadata.json`))
  return {
    constructPath: (logicalId) => paths.get(logicalId),
    stackName: stack.stackName,
    template: await readTemplate(path.join(cdkOut, stack.templateFile)),
    ...(await readAssets(cdkOut, stack.id)),
  }
}
