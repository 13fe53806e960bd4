import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StartPages } from '../services/site/pages.ts'

/** The part of Vite that is used here. It is the dashboard's own dependency, and loaded only for live reload. */
interface Vite {
  createServer(options: {
    root: string
    configFile: string
    appType: 'spa'
    logLevel: 'error'
    clearScreen: false
    server: {
      middlewareMode: true
      ws: { server: Server }
      cors: false
      fs: { allow: readonly string[] }
    }
  }): Promise<{
    middlewares(request: IncomingMessage, response: ServerResponse): void
    close(): Promise<void>
  }>
}

async function loadVite(dashboard: string): Promise<Vite> {
  const require = createRequire(path.join(dashboard, 'package.json'))
  const manifest = require.resolve('vite/package.json')
  const entry = path.join(path.dirname(manifest), 'dist/node/index.js')
  return (await import(pathToFileURL(entry).href)) as Vite
}

/** Serves the dashboard of a repository through Vite: an edited component takes the place of the old one in the open page, whose sockets stay. */
export function dashboardFromSources(root: string): StartPages {
  const dashboard = path.join(root, 'dashboard')
  return async (server) => {
    const vite = await loadVite(dashboard)
    const pages = await vite.createServer({
      root: dashboard,
      configFile: path.join(dashboard, 'vite.config.ts'),
      appType: 'spa',
      logLevel: 'error',
      clearScreen: false,
      server: {
        middlewareMode: true,
        ws: { server },
        // No other page may read sources, and this one only what it is made of.
        cors: false,
        fs: {
          allow: ['dashboard', 'backend/src', 'node_modules'].map((dir) => path.join(root, dir)),
        },
      },
    })
    return {
      handle(request, response) {
        pages.middlewares(request, response)
      },
      close: () => pages.close(),
    }
  }
}
