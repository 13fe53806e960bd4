import type { CommandUpdate } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { scriptedTelemetry, topic } from './scripted-client.ts'

describe('command log', () => {
  it('never takes a command back to an earlier stage when updates overtake each other', () => {
    const { client, telemetry } = scriptedTelemetry()
    const update = (state: CommandUpdate['state']): CommandUpdate => ({
      type: 'command',
      key: 'k',
      commandId: 'c',
      topic,
      name: 'identify',
      state,
      at: 1,
      by: 'ana',
    })
    client.push(update('acked'))
    client.push(update('sent'))
    expect(telemetry.commands.get('k')?.state).toBe('acked')
    client.push(update('failed'))
    expect(telemetry.commands.get('k')?.state).toBe('failed')
  })
})
