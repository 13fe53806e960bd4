import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { requireFreePort } from './ports.ts'

const dashboard = { what: 'the dashboard', flag: '--port' }

test('FLAG-2: a port in use is told in one line with its purpose, its flag and the way out', async () => {
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as AddressInfo
  await expect(requireFreePort(port, dashboard)).rejects.toMatchObject({
    code: 'PORT_UNAVAILABLE',
    message: `port ${port} for the dashboard is in use by another program: choose another one with --port N, or any free one with --port 0`,
  })
  await new Promise((resolve) => holder.close(resolve))
  await expect(requireFreePort(port, dashboard)).resolves.toBeUndefined()
})

test('port 0 is always free', async () => {
  await expect(requireFreePort(0, dashboard)).resolves.toBeUndefined()
})
