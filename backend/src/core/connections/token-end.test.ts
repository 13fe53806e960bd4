import fc from 'fast-check'
import { expect, it } from 'vitest'
import { connect } from './connect.ts'
import { handleExpiryMessages } from './expire.ts'
import {
  fakeClock,
  fakeSockets,
  identityOf,
  memoryConnections,
  memoryConnectionSubscriptions,
  memoryRevocations,
} from './fakes.ts'
import type { ExpiryMessage } from './ports.ts'
import { sweepConnections } from './sweep.ts'
import { queueTokenExpiry } from './token-end.ts'

const headers = { 'Sec-WebSocket-Protocol': 'gaugeline.v1' }
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }

interface Scenario {
  readonly lifeSeconds: number
  /** When the sweeper first runs after the connection opened. */
  readonly firstSweep: number
  /** A run that does not happen; -1 for none. */
  readonly missed: number
  /** When a token of another life is put in its place; -1 for never. */
  readonly refreshAt: number
  readonly newLifeSeconds: number
}

/** Tells a connection's life second by second: sweeps each minute, messages when they are due. Gives the seconds from its end to its closing. */
async function lateness(scenario: Scenario): Promise<number> {
  const clock = fakeClock()
  const startMs = clock.ms
  const due: { readonly atMs: number; readonly message: ExpiryMessage }[] = []
  const sockets = fakeSockets()
  const ports = {
    clock,
    sockets,
    log,
    connections: memoryConnections(),
    subscriptions: memoryConnectionSubscriptions(),
    revocations: memoryRevocations(),
    allowedOrigins: [],
    expiryQueue: {
      send(message: ExpiryMessage, delaySeconds: number) {
        due.push({ message, atMs: clock.ms + Math.min(900, Math.ceil(delaySeconds)) * 1_000 })
        return Promise.resolve()
      },
    },
  }
  let expiresAt = startMs / 1_000 + scenario.lifeSeconds
  await connect({ connectionId: 'c=', headers, identity: identityOf({ expiresAt }) }, ports)
  for (let second = 0; second < 7_200; second++, clock.ms += 1_000) {
    if (second === scenario.refreshAt && second < scenario.lifeSeconds) {
      const before = expiresAt
      expiresAt = clock.ms / 1_000 + scenario.newLifeSeconds
      await ports.connections.renew('c=', identityOf({ expiresAt }), clock.ms)
      // As `refresh` does.
      if (expiresAt < before) await queueTokenExpiry({ connectionId: 'c=', expiresAt }, ports)
    }
    const sinceFirst = second - scenario.firstSweep
    if (sinceFirst >= 0 && sinceFirst % 60 === 0 && sinceFirst / 60 !== scenario.missed) {
      await sweepConnections(ports)
    }
    for (const { message } of due.filter(({ atMs }) => atMs === clock.ms)) {
      await handleExpiryMessages([{ messageId: 'm', body: JSON.stringify(message) }], ports)
    }
    if (sockets.closed.length > 0) return clock.ms / 1_000 - expiresAt
  }
  throw new Error('it was never closed')
}

it('a socket is closed within a second of its token’s end, whenever the sweeper runs and though one run is missed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        lifeSeconds: fc.integer({ min: 1, max: 1_500 }),
        firstSweep: fc.integer({ min: 0, max: 59 }),
        missed: fc.integer({ min: -1, max: 30 }),
        refreshAt: fc.integer({ min: -1, max: 1_500 }),
        newLifeSeconds: fc.integer({ min: 1, max: 3_000 }),
      }),
      async (scenario) => {
        const late = await lateness(scenario)
        expect(late).toBeGreaterThanOrEqual(0)
        expect(late).toBeLessThanOrEqual(1)
      },
    ),
    { numRuns: 30 },
  )
})
