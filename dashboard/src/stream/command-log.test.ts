import type { CommandUpdate } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { settled } from './manual-clock.ts'
import { scriptedTelemetry, topic } from './scripted-client.ts'

const update = (state: CommandUpdate['state'], key = 'k'): CommandUpdate => ({
  type: 'command',
  key,
  commandId: 'c',
  topic,
  name: 'identify',
  state,
  at: 1,
  by: 'ana',
})
const identify = (key: string) =>
  ({ action: 'command', key, topic, name: 'identify', args: {} }) as const

describe('command log', () => {
  it('never takes a command back to an earlier stage when updates overtake each other', () => {
    const { client, telemetry } = scriptedTelemetry()
    client.push(update('acked'))
    client.push(update('sent'))
    expect(telemetry.commands.get('k')?.state).toBe('acked')
    client.push(update('failed'))
    expect(telemetry.commands.get('k')?.state).toBe('failed')
  })

  it('asks on the next socket, and on a link that can follow again, where the commands stand that are not over', async () => {
    const { client, telemetry } = scriptedTelemetry((asked) =>
      asked.action === 'command' ? { ...update('sent', asked['key'] as string) } : undefined,
    )
    await client.ready()
    for (const key of ['open', 'over', 'unanswered']) {
      await telemetry.commands.send(identify(key))
    }
    client.push(update('sent', 'open'))
    client.push(update('done', 'over'))
    expect(client.askedFor('command')).toHaveLength(3)
    await client.ready()
    expect(client.askedFor('command').slice(3)).toMatchObject([{ ...identify('open') }])
    client.push({ type: 'slow', mode: 'complete' })
    await settled()
    expect(client.askedFor('command').slice(4)).toMatchObject([{ ...identify('open') }])
  })
})
