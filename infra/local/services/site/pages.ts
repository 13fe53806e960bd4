import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Site } from './serve.ts'

/** Serves pages from their sources while somebody edits them. */
export interface PageServer {
  handle(request: IncomingMessage, response: ServerResponse): void
  close(): Promise<void>
}

/** Starts it behind the site's own port, so that origin, sign-in and sockets are those of the deployed site. */
export type StartPages = (server: Server) => Promise<PageServer>

/** Whether a path is something that only the deployment knows, such as `/config.json`: no source has it. */
export function isDeployedValue({ bucket }: Pick<Site, 'bucket'>, url: string): boolean {
  const key = (url.split('?', 1)[0] ?? '/').slice(1)
  return bucket.files.get(key)?.substituted === true
}

/**
 * The template's headers with what hot reload needs beyond them: styles that the page's scripts put in, and the socket to `own` that says what
 * changed. Everything else stays as strict as it is deployed.
 */
export function developmentHeaders(
  headers: Readonly<Record<string, string>>,
  own: string,
): Readonly<Record<string, string>> {
  const name = 'content-security-policy'
  const policy = headers[name]
  if (policy === undefined) return headers
  const more: Readonly<Record<string, string>> = {
    'style-src': "'unsafe-inline'",
    'connect-src': `ws://${own}`,
  }
  const directives = policy.split(';').map((directive) => {
    const text = directive.trim()
    const extra = more[text.split(' ', 1)[0] ?? '']
    return extra === undefined ? text : `${text} ${extra}`
  })
  return { ...headers, [name]: directives.join('; ') }
}
