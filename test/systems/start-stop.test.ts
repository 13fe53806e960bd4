import { existsSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { runStart, startSystem, type RunningSystem } from '../support/system.ts'

let running: RunningSystem | undefined
afterEach(async () => {
  await running?.kill()
})

async function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => {
      resolve(true)
    })
    probe.listen(Number(port), hostname, () => {
      probe.close(() => {
        resolve(false)
      })
    })
  })
}

function isReached(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 5000 })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    for (const event of ['error', 'timeout']) {
      socket.once(event, () => {
        socket.destroy()
        resolve(false)
      })
    }
  })
}

describe('npm start', () => {
  it('ends on Ctrl-C with exit code 0 and leaves no port and no endpoints file, and starts again at once', async () => {
    running = await startSystem({ simulator: true })
    const { endpoints, stateDir, output } = running
    const ports = [
      endpoints.dashboard,
      endpoints.websocket,
      endpoints.mqtt,
      endpoints.aws,
      endpoints.issuer,
    ]
    expect(await Promise.all(ports.map(isListening))).toEqual(ports.map(() => true))
    expect(output()).toContain(endpoints.dashboard)
    expect(await running.stop()).toBe(0)
    expect(await Promise.all(ports.map(isListening))).toEqual(ports.map(() => false))
    expect(existsSync(join(stateDir, 'endpoints.json'))).toBe(false)

    const port = new URL(endpoints.dashboard).port
    running = await startSystem({ args: ['--port', port] })
    expect(new URL(running.endpoints.dashboard).port).toBe(port)
    expect(await running.stop()).toBe(0)
    running = undefined
  })

  it('listens on loopback only: at another address of this machine every port refuses', async (context) => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address
    if (address === undefined) return context.skip('this machine has loopback addresses only')
    running = await startSystem()
    const { dashboard, websocket, mqtt, aws, issuer } = running.endpoints
    const ports = [dashboard, websocket, mqtt, aws, issuer].map((url) => Number(new URL(url).port))
    const reachedAt = (host: string): Promise<boolean[]> =>
      Promise.all(ports.map((port) => isReached(host, port)))
    expect(await reachedAt('127.0.0.1')).toEqual(ports.map(() => true))
    expect(await reachedAt(address)).toEqual(ports.map(() => false))
    expect(await running.stop()).toBe(0)
    running = undefined
  })

  it.each(['--host=0.0.0.0', '--host=127.0.0.1'])(
    'has no flag to listen elsewhere: %s',
    async (flag) => {
      const { code, output } = await runStart([flag])
      expect(code).toBe(2)
      expect(output).toContain('--host')
    },
  )

  it('says in one line which port is in use, which flag and the way out, with exit code 2', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as AddressInfo
    const { code, output } = await runStart([
      '--port',
      String(port),
      '--mqtt-port',
      '0',
      '--state-dir',
      join(tmpdir(), 'gaugeline-port-test'),
    ])
    blocker.close()
    expect(code).toBe(2)
    const line = output.split('\n').find((text) => text.includes(String(port)))
    expect(line).toMatch(/in use/)
    expect(line).toContain('--port')
    expect(output).not.toMatch(/^\s+at /m)
  })

  it('refuses a misspelt flag with a suggestion and exit code 2', async () => {
    const { code, output } = await runStart(['--prot', '1'])
    expect(code).toBe(2)
    expect(output).toContain('--port')
  })
})
