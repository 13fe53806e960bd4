import vue from '@vitejs/plugin-vue'
import { type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'
import { type FakeServer, startFakeServer } from './fake-server.ts'

/** The dashboard in development mode against the fake server. */
export interface DevDashboard {
  readonly url: string
  readonly fake: FakeServer
  close(): Promise<void>
}

export async function serveDashboard(options: {
  devices: number
  port?: number
  tickMs?: number
}): Promise<DevDashboard> {
  const { devices, tickMs } = options
  const fake = await startFakeServer({ seed: 42, devices, ...(tickMs ? { tickMs } : {}) })
  const config = {
    websocket: fake.url,
    issuer: 'http://127.0.0.1:9',
    clientId: 'dev',
    region: 'eu-west-1',
    version: '0.1.0',
    devToken: 'dev',
  }
  const vite = await createServer({
    root: fileURLToPath(new URL('..', import.meta.url)),
    configFile: false,
    logLevel: 'warn',
    cacheDir: fileURLToPath(new URL('../node_modules/.vite', import.meta.url)),
    define: { __VUE_OPTIONS_API__: 'false' },
    server: { host: '127.0.0.1', port: options.port ?? 0, hmr: false },
    plugins: [
      vue(),
      {
        name: 'dev-config',
        configureServer(server) {
          server.middlewares.use('/config.json', (_request, response) => {
            response.setHeader('content-type', 'application/json')
            response.end(JSON.stringify(config))
          })
        },
      },
    ],
  })
  await vite.listen()
  const { port } = vite.httpServer?.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    fake,
    close: async () => {
      await vite.close()
      await fake.close()
    },
  }
}

// `npx tsx dashboard/dev/serve.ts`: until Ctrl-C.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serveDashboard({ devices: 24, port: 5173 })
  process.stderr.write(`The dashboard with a fake factory: ${url}\n`)
}
