import * as v from 'valibot'
import type { CommandState } from '../../protocol/index.ts'
import type { ResultEvent } from '../telemetry/decode-record.ts'
import type { Command, Commands } from './ports.ts'

const MESSAGE_CHARACTERS = 280
const resultSchema = v.object({
  state: v.picklist(['acked', 'done', 'failed']),
  message: v.optional(v.string()),
})
/**
 * From which states a device's answer moves a command on. Its last word holds for good. `expired` only says that none came in time: when it
 * comes after all, what the device says is true and the state says it too.
 */
const before: Readonly<Record<'acked' | 'done' | 'failed', readonly CommandState[]>> = {
  acked: ['accepted', 'sent'],
  done: ['accepted', 'sent', 'acked', 'expired'],
  failed: ['accepted', 'sent', 'acked', 'expired'],
}

/**
 * Applies a device's answer to its command. The proof is that the very device (its client id, on its own topic) sent it. Returns the command
 * as it is now, for who asked, or why nothing changes: `invalid` (not such an answer), `foreign` (not that device's command), `late` (it had ended,
 * or this was known).
 */
export async function applyResult(
  event: ResultEvent,
  commands: Commands,
): Promise<{ readonly command: Command } | { readonly ignored: 'invalid' | 'foreign' | 'late' }> {
  const parsed = v.safeParse(resultSchema, parseJson(event.payload))
  if (!parsed.success) return { ignored: 'invalid' }
  const known = await commands.find(event.commandId)
  const isOwn = event.topic.endsWith(`/${event.clientId}`)
  if (known?.topic !== event.topic || !isOwn) return { ignored: 'foreign' }
  const { state, message } = parsed.output
  const moved = await commands.move(event.commandId, before[state], {
    state,
    at: event.atMs,
    ...(message === undefined ? {} : { message: message.slice(0, MESSAGE_CHARACTERS) }),
  })
  if (!moved || !(moved.moved || isRepeated(moved.command, event, state)))
    return { ignored: 'late' }
  return { command: moved.command }
}

/** The stream gives a batch again when it failed halfway: what was recorded then may not have been told yet. */
const isRepeated = (command: Command, event: ResultEvent, state: CommandState): boolean =>
  command.state === state && command.at === event.atMs

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload))
  } catch {
    return undefined
  }
}
