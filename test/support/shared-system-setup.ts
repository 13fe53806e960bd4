import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { startSystem, type RunningSystem } from './system.ts'

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
    system ??= startSystem()
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
