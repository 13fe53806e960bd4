import type { CommandRequest, CommandResult } from '@gaugeline/backend/protocol'

/** Commands that are remembered, so that one delivered again is not carried out again. */
const REMEMBERED = 200

export interface CommandDeskOptions {
  readonly carryOut: (request: CommandRequest) => Promise<CommandResult>
  /** Hands an answer to the way back; answers of one command leave in the order of these calls. */
  readonly answer: (commandId: string, result: CommandResult) => void
  /** Epoch ms. */
  readonly now: () => number
}

/**
 * Takes in commands: `acked` when it begins, then what came of it. QoS 1 and the retries of an SDK may deliver a command twice: it is carried
 * out once and answered again. One whose time is over is not begun. A real device keeps this memory over a restart; here a `reboot` does not
 * end the process.
 */
export function commandDesk({ carryOut, answer, now }: CommandDeskOptions): {
  /** `begun`: it is new. Resolves when it is answered. */
  take(request: CommandRequest): Promise<'begun' | 'repeated' | 'expired'>
} {
  const known = new Map<string, Promise<CommandResult>>()
  return {
    async take(request) {
      const { commandId, expiresAt } = request
      const before = known.get(commandId)
      if (!before && expiresAt <= now()) return 'expired'
      const result = before ?? carryOut(request)
      if (!before) remember(known, commandId, result)
      answer(commandId, { state: 'acked' })
      answer(commandId, await result)
      return before ? 'repeated' : 'begun'
    },
  }
}

function remember<T>(known: Map<string, T>, key: string, value: T): void {
  known.set(key, value)
  const [oldest] = known.keys()
  if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest)
}

/** The command in a message, or undefined for anything else. A command without an end never ends. */
export function parseCommand(payload: Buffer): CommandRequest | undefined {
  try {
    const value = JSON.parse(payload.toString('utf8')) as Partial<CommandRequest> | null
    if (typeof value?.commandId !== 'string' || typeof value.name !== 'string') return undefined
    const { commandId, name, args = {}, expiresAt = Infinity } = value
    return { commandId, name, args, expiresAt }
  } catch {
    return undefined
  }
}
