import { runPool } from '../run-pool.ts'
import type { ResultEvent } from '../telemetry/decode-record.ts'
import type { Push } from '../fanout/outbound-messages.ts'
import type { DeliverPorts } from './ports.ts'

const COMMANDS_AT_ONCE = 16

/** Moves the commands on that devices answered: side by side, one command's answers in stream order. */
export async function applyResults(
  events: readonly ResultEvent[],
  { results }: Pick<DeliverPorts, 'results'>,
): Promise<readonly Push[]> {
  const byCommand = new Map<string, ResultEvent[]>()
  for (const event of events) {
    const ofCommand = byCommand.get(event.commandId)
    if (ofCommand) ofCommand.push(event)
    else byCommand.set(event.commandId, [event])
  }
  const pushes: Push[] = []
  await runPool([...byCommand.values()], COMMANDS_AT_ONCE, async (ofCommand) => {
    for (const event of ofCommand) {
      const change = await results.apply(event)
      if (!change) continue
      const { update, connections } = change
      pushes.push({ to: 'connections', connections, message: JSON.stringify(update) })
    }
  })
  return pushes
}
