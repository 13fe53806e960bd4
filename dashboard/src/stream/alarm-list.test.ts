import type { AlarmView } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { scriptedTelemetry } from './scripted-client.ts'

describe('alarm list', () => {
  it('keeps the newest revision of an alarm and lists again when a pong knows a newer one', async () => {
    const { client, telemetry } = scriptedTelemetry()
    await client.ready()
    const alarm = (revision: number, state: AlarmView['state']): AlarmView => ({
      alarm: 'a',
      title: 'A',
      description: '',
      severity: 'P1',
      runbook: '',
      state,
      reason: '',
      since: 0,
      revision,
      notes: [],
    })
    client.push({ type: 'alarm', alarm: alarm(3, 'ALARM'), revision: 3 })
    client.push({ type: 'alarm', alarm: alarm(2, 'OK'), revision: 2 })
    expect(telemetry.alarms.get('a')?.state).toBe('ALARM')
    client.push({ type: 'pong', id: 1, t0: 0, t1: 0, t2: 0, heads: {}, alarmsRevision: 9 })
    expect(client.askedFor('alarms')).toHaveLength(2)
  })
})
