import { describe, expect, it } from 'vitest'
import { scriptedTelemetry } from './scripted-client.ts'

describe('fleet subscriptions', () => {
  it('asks for the newest values of every entitlement and knows the devices that were named', async () => {
    const { client, telemetry } = scriptedTelemetry()
    await client.ready()
    const [asked] = client.askedFor('subscribe')
    expect(asked!['subscriptions']).toEqual([
      { sid: 1, topic: 'plant-1/#', mode: 'latest', maxHz: 1 },
      { sid: 2, topic: 'plant-2/solo', mode: 'latest', maxHz: 1 },
    ])
    expect(telemetry.fleet.get('plant-2/solo')?.ts).toBeUndefined()
    expect(telemetry.hasSnapshot).toBe(true)
  })
})
