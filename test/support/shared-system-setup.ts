import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { ProtocolClient, requestToken } from './client.ts'
import { startSystem, type RunningSystem } from './system.ts'
import { waitFor } from './wait.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where {@link setup} answers with the system. */
    sharedSystem: string
  }
}

/**
 * Vitest's `globalSetup` of the project `e2e`: one `npm start` for all of its files, begun when the first of them asks for it. Its end is part of
 * the run: an exit code other than 0 fails it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let system: Promise<RunningSystem> | undefined
  const server = createServer((_, response) => {
    system ??= startAndConnect()
    system.then(
      ({ endpoints, stateDir }) => response.end(JSON.stringify({ endpoints, stateDir })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('sharedSystem', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    const running = await system?.catch(() => undefined)
    const code = await running?.stop()
    if (running && code !== 0) throw new Error(`npm start ended with ${code}:\n${running.output()}`)
  }
}

/** On a busy machine the authorizer's first look at the issuer's keys may be too slow, and none is made for 30 s after that: no file's fault. */
async function startAndConnect(): Promise<RunningSystem> {
  const system = await startSystem()
  const token = await requestToken(system, { user: 'first' })
  const client = await waitFor(
    () => ProtocolClient.connect(system.endpoints.websocket, token).catch(() => undefined),
    'a first socket',
    120_000,
  )
  client.socket.terminate()
  return system
}
