import { mintToken, ProtocolClient } from '../support/client.ts'
import { startSystem } from '../support/system.ts'
import { quantile, type Row } from './table.ts'

const runs = 3

/** From `npm start` on an installed checkout with nothing changed to the first chart point of a dashboard, 3 runs, median. */
export async function start(): Promise<Row[]> {
  // Builds and synthesizes whatever changed, so that the runs measure a start and not a build.
  await (await startSystem()).stop()
  const ready: number[] = []
  const firstPoint: number[] = []
  for (let run = 0; run < runs; run++) {
    const startedMs = Date.now()
    const system = await startSystem({ simulator: true })
    ready.push(Date.now() - startedMs)
    const token = await mintToken(system.stateDir, { user: 'bench', role: 'viewer', devices: '#' })
    const client = await ProtocolClient.connect(system.endpoints.websocket, token)
    const answer = await client.request(
      {
        action: 'subscribe',
        subscriptions: [{ sid: 1, topic: 'plant-1/pump-7', window: { lastMs: 60_000 } }],
      },
      'subscribed',
    )
    if (answer.blocks.length === 0) await client.waitFor('data')
    firstPoint.push(Date.now() - startedMs)
    await client.close()
    await system.stop()
  }
  return [
    {
      figure: 'npm start → ready',
      value: quantile(ready, 0.5) / 1_000,
      unit: 's',
      against: 'goal',
      limit: 5,
    },
    {
      figure: 'npm start → first chart point',
      value: quantile(firstPoint, 0.5) / 1_000,
      unit: 's',
      against: 'issue',
      limit: 8,
    },
  ]
}
