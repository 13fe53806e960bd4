import { CloudWatchClient, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goodClaims, signToken } from '../../backend/src/adapters/token-fixtures.ts'
import { startSystem, type System } from '../../infra/local/system.ts'
import { startCloudWatch } from '../conformance/cloudwatch/support.ts'
import { startIssuer } from '../support/own-issuer.ts'
import { rawHandshake, type RawAnswer } from '../support/raw-handshake.ts'
import { waitFor } from '../support/wait.ts'

/** PROMISE-17: an issuer that cannot be asked, seen from the front door and by whoever is on call (docs/runbook.md#connects-undecided). */
const cdkOut = fileURLToPath(new URL('../../cdk.out', import.meta.url))
const METRIC = { Namespace: 'Gaugeline', MetricName: 'ConnectUndecided' }
let system: System
let token: string
const decisions: Record<string, unknown>[] = []
beforeAll(async () => {
  const issuer = await startIssuer()
  token = await signToken(issuer.world.ec, goodClaims(issuer.world.setting))
  await issuer.close()
  system = await startSystem({ cdkOut, localKey: 'key-of-the-test', edit: issuer.edit })
  system.followLogs('authorizer', (line) => {
    const event = JSON.parse(line) as Record<string, unknown>
    if (event['message'] === 'connect decided') decisions.push(event)
  })
})
afterAll(() => system.stop())

const knock = (): Promise<RawAnswer> =>
  rawHandshake(system.endpoints.websocket, {
    headers: { 'Sec-WebSocket-Protocol': `gaugeline.v1, bearer.${token}` },
  })

describe('an issuer that cannot be asked', () => {
  it('is our fault, 500, and no verdict about the token', async () => {
    expect((await knock()).status).toBe(500)
    const decision = await waitFor(() => decisions[0], 'the line of the authorizer')
    expect(decision).toMatchObject({ outcome: 'undecided', reason: 'KEYS_UNAVAILABLE' })
  })

  it('is counted under the very dimensions that its alarm watches', async () => {
    const { endpoints } = system
    const client = new CloudWatchClient({
      endpoint: endpoints.aws,
      region: endpoints.region,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    const metrics = await waitFor(async () => {
      const { Metrics = [] } = await client.send(new ListMetricsCommand(METRIC))
      return Metrics.length > 0 ? Metrics : undefined
    }, 'the metric')
    expect(metrics).toMatchObject([{ ...METRIC, Dimensions: alarm()['Dimensions'] }])
  })

  it('has the alarm on within three minutes of refused sockets, and off when it is over', async () => {
    const bench = await startCloudWatch()
    bench.alarm({ ...alarm(), AlarmName: 'outage' })
    const states: (string | undefined)[] = []
    for (const isOut of [true, true, true, false, false, false]) {
      if (isOut) {
        bench.cloudwatch.put({
          namespace: METRIC.Namespace,
          name: METRIC.MetricName,
          dimensions: { service: 'authorizer' },
          value: 1,
          timestampMs: bench.clock.now(),
        })
      }
      await bench.minutes(1)
      states.push(bench.state('outage'))
    }
    await bench.minutes(3)
    expect(states.slice(0, 4)).toContain('ALARM')
    expect(bench.state('outage')).toBe('OK')
    await bench.cloudwatch.stop()
  })
})

/** As the template has it. */
function alarm(): Readonly<Record<string, unknown>> {
  const all = system.deployed.byType('AWS::CloudWatch::Alarm').map(({ properties }) => properties)
  const found = all.find(({ AlarmName }) => String(AlarmName).endsWith('-connects-undecided'))
  if (!found) throw new Error('the template has no such alarm')
  return found
}
