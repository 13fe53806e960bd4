import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { StartError } from '../platform/errors.ts'
import { isRecord } from './template.ts'

/** Finds what the CDK would have uploaded: `Code.S3Key` or a deployment's source key → the directory or file in `cdk.out`. */
export type AssetPath = (s3Key: string) => string

function entries(manifest: unknown): readonly [string, string][] {
  const files = isRecord(manifest) && isRecord(manifest['files']) ? manifest['files'] : {}
  return Object.values(files).flatMap((file): [string, string][] => {
    if (!isRecord(file) || !isRecord(file['source']) || !isRecord(file['destinations'])) return []
    const source = file['source']['path']
    if (typeof source !== 'string') return []
    return Object.values(file['destinations']).flatMap((destination): [string, string][] =>
      isRecord(destination) && typeof destination['objectKey'] === 'string'
        ? [[destination['objectKey'], source]]
        : [],
    )
  })
}

/** Reads `{stack}.assets.json`. `assetPath` throws StartError `ASSET_MISSING` for a key that the manifest does not have. */
export async function readAssets(
  cdkOut: string,
  stackName: string,
): Promise<{ readonly assetPath: AssetPath; readonly assets: readonly string[] }> {
  const file = path.join(cdkOut, `${stackName}.assets.json`)
  let manifest: unknown
  try {
    manifest = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new StartError('ASSET_MISSING', `${file} cannot be read; run npm run synth again`, {
      cause,
    })
  }
  const sources = new Map(entries(manifest))
  const assetPath: AssetPath = (s3Key) => {
    const source = sources.get(s3Key)
    if (source !== undefined) return path.resolve(cdkOut, source)
    throw new StartError(
      'ASSET_MISSING',
      `asset ${s3Key} is not in ${path.basename(file)}; run npm run synth again`,
    )
  }
  return { assetPath, assets: [...sources.values()].map((source) => path.resolve(cdkOut, source)) }
}
