import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { StartError } from '../../platform/errors.ts'
import { propertiesOf } from '../../platform/fields.ts'
import type { ResolvedResource } from '../../platform/types.ts'

/** An object of a bucket. */
export interface StoredFile {
  readonly content: Buffer
  /** With quotes: the MD5 of the content, as S3's. */
  readonly etag: string
  readonly cacheControl?: string
  /** The content was put together at deployment and may hold cloud host names. */
  readonly substituted: boolean
}

/** Object keys → objects. */
export type BucketFiles = Map<string, StoredFile>

/** Which directory a deployment's source key means. */
export type AssetPath = (s3Key: string) => string

/**
 * The files of a Custom::CDKBucketDeployment: its sources in order, markers replaced, filtered as `aws s3 sync` filters
 * (`Exclude` first, `Include` takes back). Throws StartError for a source that is not a directory.
 */
export async function deployedFiles(
  resource: ResolvedResource,
  assetPath: AssetPath,
): Promise<BucketFiles> {
  const properties = propertiesOf(resource)
  const markers = properties.list('SourceMarkers')
  const escapes = properties.list('SourceMarkersConfig')
  const cacheControl = properties.nested('SystemMetadata')?.optionalText('cache-control')
  const isWanted = filter(properties.texts('Exclude'), properties.texts('Include'))
  const files: BucketFiles = new Map()
  for (const [index, s3Key] of properties.texts('SourceObjectKeys').entries()) {
    const source = assetPath(s3Key)
    const replace = markerReplacer(markers[index], escapes[index])
    for (const key of await keysIn(source, resource.logicalId)) {
      if (!isWanted(key)) continue
      const original = await readFile(path.join(source, key))
      const content = replace ? Buffer.from(replace(original.toString('utf8'))) : original
      files.set(key, {
        content,
        etag: etagOf(content),
        ...(cacheControl === undefined ? {} : { cacheControl }),
        substituted: replace !== undefined,
      })
    }
  }
  return files
}

export function etagOf(content: Buffer): string {
  return `"${createHash('md5').update(content).digest('hex')}"`
}

async function keysIn(directory: string, logicalId: string): Promise<string[]> {
  if (!(await stat(directory)).isDirectory())
    throw new StartError(
      'SITE_SOURCE',
      `${logicalId}: ${path.basename(directory)} is not a directory; only Source.asset(directory) and Source.jsonData are emulated.`,
    )
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .map((key) => key.split(path.sep).join('/'))
    .sort()
}

function filter(exclude: readonly string[], include: readonly string[]): (key: string) => boolean {
  const excludes = exclude.map(pattern)
  const includes = include.map(pattern)
  return (key) =>
    includes.some((wanted) => wanted.test(key)) || !excludes.some((unwanted) => unwanted.test(key))
}

/** `*` takes everything, slashes too, as in the AWS CLI. */
function pattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`, 's')
}

/** Values known only at deployment, put in place of the CDK's markers; undefined when the source has none. */
function markerReplacer(markers: unknown, config: unknown): ((text: string) => string) | undefined {
  const replacements = Object.entries((markers ?? {}) as Record<string, unknown>)
  if (replacements.length === 0) return undefined
  const inJson = (config as { jsonEscape?: unknown } | undefined)?.jsonEscape
  const escape = (value: string): string =>
    inJson === true || inJson === 'true' ? JSON.stringify(value).slice(1, -1) : value
  return (text) =>
    replacements.reduce(
      (result, [marker, value]) => result.replaceAll(marker, () => escape(String(value))),
      text,
    )
}
