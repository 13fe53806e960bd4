import { beforeEach, expect, it } from 'vitest'
import {
  connectionOf,
  fakeClock,
  fakeExpiryQueue,
  memoryConnections,
  memoryConnectionSubscriptions,
} from './fakes.ts'
import { sweepConnections } from './sweep.ts'

const HOUR_MS = 3_600_000
let ports: ReturnType<typeof makePorts>
beforeEach(() => {
  ports = makePorts()
})

function makePorts() {
  const warnings: string[] = []
  return {
    clock: fakeClock(),
    connections: memoryConnections(),
    subscriptions: memoryConnectionSubscriptions(),
    expiryQueue: fakeExpiryQueue(),
    warnings,
    log: {
      info: () => undefined,
      warn: (text: string) => void warnings.push(text),
      error: () => undefined,
    },
  }
}

async function open(connectionId: string, ageMs: number, subscriptions: number): Promise<void> {
  const connectedAt = ports.clock.ms - ageMs
  await ports.connections.open(connectionOf({ connectionId, connectedAt }))
  ports.subscriptions.counts.set(connectionId, subscriptions)
}

it('counts open connections and their subscriptions, without those of sockets that cannot exist', async () => {
  await open('young=', 0, 3)
  await open('old=', 2 * HOUR_MS, 4)
  await open('zombie=', 2 * HOUR_MS + 61_000, 5)
  expect(await sweepConnections(ports)).toEqual({ connections: 2, subscriptions: 7, zombies: 1 })
})

it('PROMISE-11: removes every row of a socket older than API Gateway lets one become, and nobody else', async () => {
  await open('young=', 0, 0)
  for (let i = 0; i < 30; i++) await open(`zombie-${i}=`, 3 * HOUR_MS, 1)
  await sweepConnections(ports)
  expect(ports.subscriptions.removed).toHaveLength(30)
  expect(await ports.connections.find('zombie-29=')).toBeUndefined()
  expect(await ports.connections.find('young=')).toBeDefined()
  expect(await sweepConnections(ports)).toEqual({ connections: 1, subscriptions: 0, zombies: 0 })
})

it('leaves to the next minute what is more than one run removes', async () => {
  for (let i = 0; i < 510; i++) await open(`zombie-${i}=`, 3 * HOUR_MS, 0)
  expect(await sweepConnections(ports)).toMatchObject({ zombies: 510 })
  expect(await sweepConnections(ports)).toMatchObject({ zombies: 10 })
})

it('comes to every zombie in the end, though hundreds of them cannot be removed', async () => {
  for (let i = 0; i < 1_200; i++) await open(`zombie-${i}=`, 3 * HOUR_MS, 0)
  const close = ports.connections.close.bind(ports.connections)
  ports.connections.close = (id, ...rest) =>
    Number(/\d+/.exec(id)![0]) < 600 ? Promise.reject(new Error('throttled')) : close(id, ...rest)
  for (let minute = 0; minute < 3; minute++) {
    await sweepConnections(ports)
    ports.clock.ms += 60_000
  }
  expect((await ports.connections.allOpen()).length).toBeLessThanOrEqual(700)
  for (let minute = 0; minute < 6; minute++) {
    await sweepConnections(ports)
    ports.clock.ms += 60_000
  }
  expect(await ports.connections.allOpen()).toHaveLength(600)
  expect(ports.warnings).toHaveLength(9)
})

it('asks for the end of every token within the next two minutes, and of no other', async () => {
  const endsIn = async (seconds: number): Promise<void> => {
    const expiresAt = ports.clock.ms / 1_000 + seconds
    const connectedAt = ports.clock.ms
    await ports.connections.open(
      connectionOf({ connectionId: `${seconds}=`, connectedAt, expiresAt }),
    )
  }
  for (const seconds of [-30, 0, 59, 120, 121, 3_600]) await endsIn(seconds)
  await sweepConnections(ports)
  const sent = ports.expiryQueue.sent.toSorted((a, b) => a.delaySeconds - b.delaySeconds)
  expect(sent).toEqual([
    { connectionId: '-30=', reason: 'token', delaySeconds: 0 },
    { connectionId: '0=', reason: 'token', delaySeconds: 0 },
    { connectionId: '59=', reason: 'token', delaySeconds: 59 },
    { connectionId: '120=', reason: 'token', delaySeconds: 120 },
  ])
})
