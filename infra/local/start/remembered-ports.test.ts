import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Endpoints } from './endpoints.ts'
import { rememberedPorts, rememberPorts } from './remembered-ports.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'gaugeline-ports-'))
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

const endpoints = (gateway: number, issuer: number): Endpoints =>
  ({
    websocket: `ws://127.0.0.1:${gateway}/prod`,
    issuer: `http://127.0.0.1:${issuer}`,
  }) as Endpoints

/** A port that is free now, and one that is held until the test ends. */
async function ports(): Promise<{ free: number; held: number; release: () => void }> {
  const open = async (): Promise<ReturnType<typeof createServer>> => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }
  const [first, second] = [await open(), await open()]
  const portOf = (server: typeof first): number => (server.address() as AddressInfo).port
  const found = { free: portOf(first), held: portOf(second), release: () => void second.close() }
  await new Promise((resolve) => first.close(resolve))
  return found
}

test('the ports of the last start come back when they are free', async () => {
  const { free, held, release } = await ports()
  await rememberPorts(dir, endpoints(free, held))
  expect(await rememberedPorts(dir)).toEqual({ gateway: free, issuer: 0 })
  release()
})

test.each(['', '{', '[]', '{"gateway":"x"}'])(
  'without a usable file any port will do: %j',
  async (text) => {
    writeFileSync(path.join(dir, 'ports.json'), text)
    expect(await rememberedPorts(dir)).toEqual({ gateway: 0, issuer: 0 })
  },
)
