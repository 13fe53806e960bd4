import { expect, it } from 'vitest'
import {
  EntitlementScenario,
  type ScenarioParts,
  type ScenarioReport,
} from '../../testing/entitlement-scenario.ts'
import { memorySubscriptions } from '../../testing/memory-subscriptions.ts'
import type { TestClock } from '../../testing/test-clock.ts'
import { memoryConnections, memoryRevocations } from '../connections/fakes.ts'

/** The long form: GAUGELINE_MODEL_SENDS=1000000 GAUGELINE_MODEL_SEED=7 (CONTRIBUTING.md). */
const SENDS = Number(process.env['GAUGELINE_MODEL_SENDS'] ?? 25_000)
const SEED = Number(process.env['GAUGELINE_MODEL_SEED'] ?? Date.now() % 1_000_000)
/** A scenario's memory grows with it; several short ones are as good as a long one. */
const CHAPTER = 25_000

function memoryParts(clock: TestClock): ScenarioParts {
  const memory = memorySubscriptions(clock)
  const revocations = memoryRevocations()
  return {
    subscriptions: memory,
    audiences: memory,
    connections: memoryConnections(),
    watchers: () => Promise.resolve([...memory.rows.values()]),
    revocations: {
      ...revocations,
      async revokeUser(issuer, user, atMs) {
        await revocations.revokeUser(issuer, user, atMs)
        memory.revokeUser(user)
      },
      async revokeToken(issuer, tokenId, atMs) {
        await revocations.revokeToken(issuer, tokenId, atMs)
        memory.revokeToken(tokenId)
      },
    },
  }
}

it(
  `PROMISE-6: of ${SENDS} messages none tells anybody what he may not see (seed ${SEED})`,
  {
    timeout: 3_600_000,
  },
  async () => {
    const reports: ScenarioReport[] = []
    const sum = (of: (report: ScenarioReport) => number): number =>
      reports.reduce((total, report) => total + of(report), 0)
    while (sum(({ sends }) => sends) < SENDS) {
      const left = SENDS - sum(({ sends }) => sends)
      const scenario = new EntitlementScenario(SEED + reports.length, memoryParts)
      reports.push(await scenario.run(Math.min(CHAPTER, left)))
    }
    expect(reports.filter(({ unentitled }) => unentitled > 0)).toEqual([])
    expect(sum(({ refused }) => refused)).toBeGreaterThan(25)
    // In the long form only are there surely some of the rare ones.
    const rare = SENDS < 100_000 ? [] : ['note', 'command', 'presence', 'history']
    for (const kind of ['data', 'subscribed', ...rare]) {
      expect(
        sum(({ kinds }) => kinds[kind] ?? 0),
        kind,
      ).toBeGreaterThan(5)
    }
    if (SENDS > 25_000)
      console.info({
        seed: SEED,
        sends: sum(({ sends }) => sends),
        refused: sum(({ refused }) => refused),
      })
  },
)

const mutants: Readonly<Record<string, (parts: ScenarioParts) => ScenarioParts>> = {
  'a delivery that forgets revocations': (parts) =>
    withAudience(parts, (audience) => ({ ...audience, isRevoked: () => false })),
  'a delivery that forgets expiry': (parts) =>
    withAudience(parts, (audience) => ({
      ...audience,
      rowsFor: (topic) => audience.rowsFor(topic).map((row) => ({ ...row, expiresAt: 9e9 })),
    })),
  'a delivery that mixes up sites': (parts) =>
    withAudience(parts, (audience) => ({
      ...audience,
      rowsFor: (topic) =>
        audience
          .rowsFor(topic.replace(/^plant-\d/, 'plant-0') as typeof topic)
          .map((row) => ({ ...row, grants: ['#'] })),
    })),
  'a delivery that never looks again at who watches': (parts) => {
    let first: ReturnType<ScenarioParts['audiences']['load']> | undefined
    let loads = 0
    const load: ScenarioParts['audiences']['load'] = (topics) =>
      ++loads < 50 ? parts.audiences.load(topics) : (first ??= parts.audiences.load(topics))
    return { ...parts, audiences: { ...parts.audiences, load } }
  },
  'a refresh that leaves the rows as they are': (parts) => ({
    ...parts,
    subscriptions: {
      ...parts.subscriptions,
      removeRows: () => Promise.resolve(),
      renewRows: () => Promise.resolve(),
    },
  }),
  'a refresh that gives the connection nothing new': (parts) => ({
    ...parts,
    connections: { ...parts.connections, renew: () => Promise.resolve('renewed') },
  }),
  'a subscribe that does not look at the grants': (parts) => ({
    ...parts,
    subscriber: (who) => ({ ...who, devices: ['#'] }),
  }),
}

type Audience = Awaited<ReturnType<ScenarioParts['audiences']['load']>>
const withAudience = (
  parts: ScenarioParts,
  change: (audience: Audience) => Audience,
): ScenarioParts => ({
  ...parts,
  audiences: {
    ...parts.audiences,
    load: async (topics) => change(await parts.audiences.load(topics)),
  },
})

it.each(Object.entries(mutants))(
  'the model sees %s',
  { timeout: 600_000 },
  async (_name, mutate) => {
    const scenario = new EntitlementScenario(4711, (clock) => mutate(memoryParts(clock)))
    expect((await scenario.run(100_000, 'first')).unentitled).toBeGreaterThan(0)
  },
)
