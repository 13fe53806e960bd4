import type { AlarmView } from '@gaugeline/backend/protocol'
import { failureWords } from '../format/failure-words.ts'
import type { Telemetry } from '../stream/telemetry.ts'

/** What a person can do to an alarm. Each gives undefined when it worked, else a sentence; the new state arrives as a push or answer. */
export interface AlarmActions {
  acknowledge(alarm: AlarmView, text?: string): Promise<string | undefined>
  note(alarm: AlarmView, text: string): Promise<string | undefined>
  shelve(alarm: AlarmView, forMs: number, text?: string): Promise<string | undefined>
  unshelve(alarm: AlarmView): Promise<string | undefined>
}

export function alarmActions(telemetry: Telemetry): AlarmActions {
  const of = ({ alarm, revision }: AlarmView): { alarm: string; revision: number } => ({
    alarm,
    revision,
  })
  const { client } = telemetry
  return {
    acknowledge: (alarm, text) =>
      outcome(
        client.request({ action: 'alarms', op: 'ack', ...of(alarm), ...(text ? { text } : {}) }),
      ),
    note: (alarm, text) =>
      outcome(client.request({ action: 'alarms', op: 'note', ...of(alarm), text })),
    shelve: (alarm, forMs) => {
      const until = Math.round(telemetry.serverNow() + forMs)
      return outcome(client.request({ action: 'alarms', op: 'shelve', ...of(alarm), until }))
    },
    unshelve: (alarm) =>
      outcome(client.request({ action: 'alarms', op: 'unshelve', ...of(alarm) })),
  }
}

async function outcome(request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request
    return undefined
  } catch (error) {
    return failureWords(error)
  }
}
