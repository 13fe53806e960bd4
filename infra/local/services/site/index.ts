import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartError } from '../../platform/errors.ts'
import { createHttpServer } from '../../platform/http-server.ts'
import type { HostMap } from '../../platform/host-map.ts'
import type { Account, ResourceService } from '../../platform/types.ts'
import type { AssetPath } from './files.ts'
import { developmentHeaders, isDeployedValue, type PageServer, type StartPages } from './pages.ts'
import { createSiteRegistry } from './registry.ts'
import { serve } from './serve.ts'

export interface SiteService extends ResourceService {
  /** `http://127.0.0.1:PORT`: the dashboard; after start. */
  readonly url: string
}

export interface SiteOptions {
  readonly account: Account
  readonly assetPath: AssetPath
  readonly hostMap: HostMap
  /** 0 = any. */
  readonly port: number
  /** Live reload: serves the pages from their sources instead of the deployed files; absent = as deployed. */
  readonly startPages?: StartPages | undefined
}

/**
 * S3 and CloudFront as far as a static site needs them, on loopback, with the template's own headers. Start it before the
 * template is deployed: its address is the distribution's.
 */
export function createSite(options: SiteOptions): SiteService {
  let listening: { readonly server: Server; readonly port: number } | undefined
  let pages: PageServer | undefined
  const host = (): string => {
    if (listening) return `127.0.0.1:${listening.port}`
    throw new TypeError('The site has no address before it is started')
  }
  const registry = createSiteRegistry({
    ...options,
    addHost: (name) => {
      options.hostMap.add(name, host())
    },
  })
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (redirectToLoopback(request, response, host())) return
    const site = registry.site()
    if (site && pages && !isDeployedValue(site, request.url ?? '/')) {
      for (const [name, value] of Object.entries(developmentHeaders(site.headers, host())))
        response.setHeader(name, options.hostMap.rewrite(value))
      pages.handle(request, response)
    } else if (site) serve(site, options.hostMap, request, response)
    else response.writeHead(503).end('The template has no distribution.\n')
  }
  return {
    name: 'site',
    providers: registry.providers,
    get url() {
      return `http://${host()}`
    },
    async start() {
      listening = await listen(options.port, handle)
      pages = await options.startPages?.(listening.server)
    },
    async stop() {
      const server = listening?.server
      listening = undefined
      await pages?.close()
      pages = undefined
      if (!server) return
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      })
    },
  }
}

/**
 * The dashboard has one address, as in AWS: sign-in and sockets accept only its origin. `localhost` is sent there; a foreign
 * name (DNS rebinding) is refused. True when the request is answered.
 */
function redirectToLoopback(
  request: IncomingMessage,
  response: ServerResponse,
  own: string,
): boolean {
  if (request.headers.host === own) return false
  if (/^(?:localhost|\[::1\]|127\.0\.0\.1)(?::\d+)?$/.test(request.headers.host ?? ''))
    response.writeHead(307, { location: `http://${own}${request.url ?? '/'}` }).end()
  else response.writeHead(403).end(`This is http://${own}; another name is not served.\n`)
  return true
}

function listen(
  port: number,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createHttpServer(handler)
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new StartError('PORT_UNAVAILABLE', unavailable(port, cause), { cause }))
    })
    server.listen(port, '127.0.0.1', () => {
      resolve({ server, port: (server.address() as AddressInfo).port })
    })
  })
}

function unavailable(port: number, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use, so the dashboard cannot be served there. Stop the other program or choose another port: --port N (0 = any free one).`
  if (code === 'EACCES')
    return `Port ${port} may not be opened by this user, so the dashboard cannot be served there. Choose one above 1023: --port N (0 = any free one).`
  return `Port ${port} cannot be opened for the dashboard (${message}). Choose another: --port N (0 = any free one).`
}
