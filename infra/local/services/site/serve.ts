import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HostMap } from '../../platform/host-map.ts'
import { type Bucket, mayRead } from './buckets.ts'
import type { Distribution } from './distribution.ts'
import { etagOf, type StoredFile } from './files.ts'

export interface Site {
  readonly distribution: Distribution
  readonly bucket: Bucket
  readonly headers: Readonly<Record<string, string>>
}

const mediaTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
}

interface Found {
  readonly status: number
  readonly key: string
  readonly file: StoredFile
}

/** Answers as the distribution would. `hostMap`: cloud addresses in headers and in `config.json` become local ones. */
export function serve(
  site: Site,
  hostMap: Pick<HostMap, 'rewrite'>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const method = request.method ?? 'GET'
  for (const [name, value] of Object.entries(site.headers))
    response.setHeader(name, hostMap.rewrite(value))
  if (!site.distribution.enabled || !site.distribution.methods.includes(method)) {
    plain(response, 403, `${method} is not allowed here.`)
    return
  }
  const found = find(site, request.url ?? '/')
  if ('refused' in found) {
    plain(response, found.refused, 'Access denied: there is no such file.')
    return
  }
  send(request, response, localize(found, hostMap))
}

/** The object, or the error page the distribution puts in its place. A private bucket answers 403 for what it lacks. */
function find(site: Site, url: string): Found | { readonly refused: number } {
  const { distribution, bucket } = site
  const readable = distribution.signsRequests && mayRead(bucket, distribution.arn)
  const look = (path: string): StoredFile | undefined =>
    readable ? bucket.files.get(path.slice(1)) : undefined
  const path = decodePath(url)
  const wanted = path === '/' ? `/${distribution.rootObject}` : path
  const file = wanted === undefined ? undefined : look(wanted)
  if (file && wanted !== undefined) return { status: 200, key: wanted, file }
  const page = distribution.errorPages.get(403)
  const instead = page && look(page.path)
  return page && instead ? { status: page.status, key: page.path, file: instead } : { refused: 403 }
}

/** The path without its query; undefined when it is not valid percent-encoding. */
function decodePath(url: string): string | undefined {
  try {
    return decodeURIComponent(url.split('?', 1)[0] ?? '/')
  } catch {
    return undefined
  }
}

function localize(found: Found, hostMap: Pick<HostMap, 'rewrite'>): Found {
  if (!found.file.substituted) return found
  const content = Buffer.from(hostMap.rewrite(found.file.content.toString('utf8')))
  return { ...found, file: { ...found.file, content, etag: etagOf(content) } }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, key, file }: Found,
): void {
  response.setHeader('etag', file.etag)
  if (file.cacheControl !== undefined) response.setHeader('cache-control', file.cacheControl)
  const known = request.headers['if-none-match']?.split(/\s*,\s*/) ?? []
  if (status === 200 && known.includes(file.etag)) {
    response.writeHead(304).end()
    return
  }
  const extension = key.slice(key.lastIndexOf('.') + 1).toLowerCase()
  response.writeHead(status, {
    'content-type': mediaTypes[extension] ?? 'application/octet-stream',
    'content-length': file.content.byteLength,
  })
  response.end(request.method === 'HEAD' ? undefined : file.content)
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}
