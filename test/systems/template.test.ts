import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { startSystem, type System } from '../../infra/local/system.ts'
import { ProtocolClient } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { removeDependants, without, type Template } from '../support/template-edit.ts'

const cdkOut = fileURLToPath(new URL('../../cdk.out', import.meta.url))
const localKey = 'key-of-the-test'
let system: System | undefined
afterEach(async () => {
  await system?.stop()
  system = undefined
})

async function connect(): Promise<ProtocolClient> {
  const { issuer, websocket } = system!.endpoints
  const answer = await fetch(`${issuer}/local/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-gaugeline-key': localKey },
    body: JSON.stringify({ user: 'ana', roles: ['operator'], devices: ['#'], expiresIn: 600 }),
  })
  const { token } = (await answer.json()) as { token: string }
  return ProtocolClient.connect(websocket, token)
}

describe('the template is the only description of the system', () => {
  it('loses exactly a route that is taken away', async () => {
    const edit = without((type, { RouteKey }) => type.endsWith('::Route') && RouteKey === 'history')
    system = await startSystem({ cdkOut, localKey, edit: removeDependants(edit) })
    const client = await connect()
    await client.request({ action: 'hello' }, 'welcome')
    const answer = await client.request({ action: 'history', topic: 'plant-1/a', from: 0, to: 1 })
    expect(answer).toMatchObject({ type: 'error', code: 'UNKNOWN_ACTION' })
    client.socket.terminate()
  })

  it('loses exactly a rule that is taken away: what it took is acknowledged and goes nowhere', async () => {
    const edit = without(
      (type, { TopicRulePayload }) =>
        type === 'AWS::IoT::TopicRule' && JSON.stringify(TopicRulePayload).includes('/telemetry'),
    )
    system = await startSystem({ cdkOut, localKey, edit: removeDependants(edit) })
    const client = await connect()
    await client.request(
      { action: 'subscribe', subscriptions: [{ sid: 1, topic: 'plant-1/a' }] },
      'subscribed',
    )
    const device = await connectMqtt(system.endpoints.mqtt)
    await publishReading(device, 'plant-1/a', { level: 1 })
    const page = await client.request(
      { action: 'history', topic: 'plant-1/a', from: Date.now() - 60_000, to: Date.now() + 1_000 },
      'history',
    )
    expect(page.blocks ?? []).toEqual([])
    expect(client.messages('data')).toEqual([])
    await device.endAsync()
    client.socket.terminate()
  })

  it('does not start without a table that something refers to, and names both', async () => {
    const edit = without(
      (type, properties) => type === 'AWS::DynamoDB::Table' && isTable(properties),
    )
    let taken = 0
    function isTable(properties: Record<string, unknown>): boolean {
      return 'KeySchema' in properties && ++taken === 1
    }
    await expect(startSystem({ cdkOut, localKey, edit })).rejects.toThrow(/Tables/)
  })

  it('does not start with a property that it does not know, and names the resource and the property', async () => {
    const edit = (template: Template): Template => {
      const [[logicalId, resource] = ['', undefined]] = Object.entries(template.Resources).filter(
        ([, { Type }]) => Type === 'AWS::Kinesis::Stream',
      )
      return {
        ...template,
        Resources: {
          ...template.Resources,
          [logicalId]: { ...resource!, Properties: { ...resource!.Properties, Teleport: true } },
        },
      }
    }
    await expect(startSystem({ cdkOut, localKey, edit })).rejects.toThrow(/Teleport/)
  })
})
