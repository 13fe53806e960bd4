import { afterAll, beforeAll, expect, it } from 'vitest'
import { dynamoAudiences } from '../../backend/src/adapters/dynamo-audiences.ts'
import { dynamoConnections } from '../../backend/src/adapters/dynamo-connections.ts'
import { dynamoNotes } from '../../backend/src/adapters/dynamo-notes.ts'
import { dynamoRevocations } from '../../backend/src/adapters/dynamo-revocations.ts'
import { dynamoSubscriptions } from '../../backend/src/adapters/dynamo-subscriptions.ts'
import {
  EntitlementScenario,
  type ScenarioParts,
} from '../../backend/src/testing/entitlement-scenario.ts'
import type { TestClock } from '../../backend/src/testing/test-clock.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

const SENDS = 20_000
const SEED = Number(process.env['GAUGELINE_MODEL_SEED'] ?? Date.now() % 1_000_000)
const tables = {
  connectionsTable: 'connections',
  subscriptionsTable: 'subscriptions',
  historyTable: 'history',
}
let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite(...Object.values(tables))
})
afterAll(() => database.close())

/** The rows in DynamoDB, and its audience cache between batches; history stays in memory. */
function dynamoParts(clock: TestClock): ScenarioParts {
  const { client } = database
  const { watchers } = dynamoNotes(client, tables, 3_600_000)
  return {
    subscriptions: dynamoSubscriptions(client, tables, clock),
    audiences: dynamoAudiences(client, tables, clock),
    connections: dynamoConnections({ client, table: tables.connectionsTable }),
    revocations: dynamoRevocations(client, tables),
    watchers,
  }
}

it(
  `PROMISE-6: over DynamoDB and its cached audience, none of ${SENDS} messages tells anybody what he may not see (seed ${SEED})`,
  {
    timeout: 600_000,
  },
  async () => {
    const report = await new EntitlementScenario(SEED, dynamoParts).run(SENDS)
    expect(report.unentitled).toBe(0)
    expect(report.sends).toBeGreaterThanOrEqual(SENDS)
    expect(report.refused).toBeGreaterThan(20)
  },
)
