import { setTimeout as sleep } from 'node:timers/promises'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'
import { quantile, type Row } from './table.ts'

const people = 10
const topic = 'plant-1/access-bench'
/** Longer than any limit that is measured against. */
const WATCH_MS = 6_000

/** How fast access ends: after a token's end the socket, after a revocation the readings and then the socket. A device sends at 20 Hz. */
export async function access(): Promise<Row[]> {
  const system = await startSystem()
  const device = await connectMqtt(system.endpoints.mqtt)
  let n = 0
  const beat = setInterval(() => void publishReading(device, topic, { value: ++n }), 50)
  const expiries = await expire(system)
  const revocations = await revoke(system)
  clearInterval(beat)
  await device.endAsync()
  await system.stop()
  return [
    row('token end → socket closed, max', Math.max(...expiries), 5_000),
    row('token end → socket closed, p50', quantile(expiries, 0.5), 5_000),
    row('revoke → last reading, max', Math.max(...revocations.map(({ lastMs }) => lastMs)), 2_000),
    row('revoke → socket closed, max', Math.max(...revocations.map(({ endMs }) => endMs)), 2_000),
  ]
}

function row(figure: string, value: number, limit: number): Row {
  return { figure, value, unit: 'ms', against: 'promise', limit }
}

/** A viewer that gets every reading of the device. */
async function watch(
  system: RunningSystem,
  person: { readonly user: string; readonly expiresIn?: number },
): Promise<ProtocolClient> {
  const token = await requestToken(system, { roles: ['viewer'], ...person })
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  const subscriptions = [{ sid: 1, topic }]
  await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
  await client.waitFor('data')
  return client
}

/** Milliseconds from the end of each token to the end of its socket. */
function expire(system: RunningSystem): Promise<number[]> {
  return Promise.all(
    Array.from({ length: people }, async (_, i) => {
      const client = await watch(system, { user: `short-${i}`, expiresIn: 10 + i })
      const { tokenExpiresAt } = await client.request({ action: 'hello' }, 'welcome')
      await waitFor(() => client.closed, 'the end of the token', 60_000)
      return Date.now() - tokenExpiresAt * 1_000
    }),
  )
}

async function revoke(system: RunningSystem): Promise<{ lastMs: number; endMs: number }[]> {
  const token = await requestToken(system, { user: 'bench-admin', roles: ['admin'] })
  const admin = await ProtocolClient.connect(system.endpoints.websocket, token)
  const found = []
  for (let i = 0; i < people; i++) {
    const user = `revoked-${i}`
    const client = await watch(system, { user })
    const sentMs = Date.now()
    await admin.request({ action: 'revoke', user }, 'revoked')
    await waitFor(() => client.closed, 'the end of the socket', WATCH_MS)
    const endMs = Date.now() - sentMs
    await sleep(500)
    const readings = client.received.filter(({ message }) => message.type === 'data')
    found.push({ lastMs: (readings.at(-1)?.atMs ?? sentMs) - sentMs, endMs })
  }
  await admin.close()
  return found
}
