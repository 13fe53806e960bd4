import vue from '@vitejs/plugin-vue'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Connect, createServer, type InlineConfig, type Plugin, preview } from 'vite'
import { fakeMetrics } from './fake-factory.ts'
import { type FakeServer, type FakeServerOptions, startFakeServer } from './fake-server.ts'

/** The dashboard against the fake server. */
export interface DevDashboard {
  readonly url: string
  readonly fake: FakeServer
  close(): Promise<void>
}

export interface DevDashboardOptions extends Omit<FakeServerOptions, 'seed'> {
  readonly port?: number
  /** The bundle that people get, minified and with Vue's production code, instead of the sources as they are. */
  readonly isBuilt?: boolean
}

/** Serves the page and its configuration until `close`. Without a port it takes any. */
export async function serveDashboard(options: DevDashboardOptions): Promise<DevDashboard> {
  const fake = await startFakeServer({ ...options, seed: 42 })
  const serve = options.isBuilt ? serveBuilt : serveSources
  const pages = await serve(options.port ?? 0, configPlugin(fake))
  return {
    url: `http://127.0.0.1:${pages.port}`,
    fake,
    close: async () => {
      await pages.close()
      await fake.close()
    },
  }
}

type Pages = { readonly port: number; close(): Promise<void> }

const common: InlineConfig = {
  root: fileURLToPath(new URL('..', import.meta.url)),
  configFile: false,
  logLevel: 'warn',
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
}

async function serveSources(port: number, config: Plugin): Promise<Pages> {
  const vite = await createServer({
    ...common,
    cacheDir: fileURLToPath(new URL('../node_modules/.vite', import.meta.url)),
    server: { host: '127.0.0.1', port, hmr: false },
    plugins: [vue(), config],
  })
  await vite.listen()
  return { port: portOf(vite.httpServer), close: () => vite.close() }
}

async function serveBuilt(port: number, config: Plugin): Promise<Pages> {
  const outDir = await mkdtemp(path.join(tmpdir(), 'gaugeline-dashboard-'))
  await build({
    ...common,
    // The one thing of development that stays: the fixed token of the configuration.
    define: { ...common.define, 'import.meta.env.DEV': 'true' },
    build: { target: 'es2022', outDir },
    plugins: [vue()],
  })
  const vite = await preview({
    ...common,
    build: { outDir },
    preview: { host: '127.0.0.1', port, strictPort: false },
    plugins: [config],
  })
  const close = async (): Promise<void> => {
    await vite.close()
    await rm(outDir, { recursive: true })
  }
  return { port: portOf(vite.httpServer), close }
}

function portOf(server: { address(): unknown } | null): number {
  return (server?.address() as AddressInfo).port
}

/** `/config.json` as a deployment has it, with a token that needs no sign-in until it has ended. */
function configPlugin(fake: FakeServer): Plugin {
  const config = {
    websocket: fake.url,
    issuer: 'http://127.0.0.1:9',
    clientId: 'dev',
    region: 'eu-west-1',
    version: '0.1.0',
    metrics: fakeMetrics,
  }
  const use = ({ middlewares }: { middlewares: Connect.Server }): void => {
    middlewares.use('/config.json', (_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...config, ...(fake.hasToken ? { devToken: 'dev' } : {}) }))
    })
  }
  return { name: 'dev-config', configureServer: use, configurePreviewServer: use }
}

// `npx tsx dashboard/dev/serve.ts`: until Ctrl-C.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serveDashboard({ devices: 24, port: 5173 })
  process.stderr.write(`The dashboard with a fake factory: ${url}\n`)
}
