import type { CommandUpdate } from '@gaugeline/backend/protocol'

const COMMANDS_KEPT = 50
const order = ['accepted', 'sent', 'acked', 'done', 'failed', 'expired'] as const

/** The last stage of each command that this person sent; the last to move on comes last. */
export class CommandLog {
  readonly #commands = new Map<string, CommandUpdate>()

  values(): IterableIterator<CommandUpdate> {
    return this.#commands.values()
  }

  get(key: string): CommandUpdate | undefined {
    return this.#commands.get(key)
  }

  update(update: CommandUpdate): void {
    const held = this.#commands.get(update.key)
    if (held && rank(held.state) > rank(update.state)) return
    this.#commands.delete(update.key)
    this.#commands.set(update.key, update)
    if (this.#commands.size > COMMANDS_KEPT) {
      const [oldest] = this.#commands.keys()
      if (oldest !== undefined) this.#commands.delete(oldest)
    }
  }
}

/** Updates may overtake each other on the way: a later stage never goes back to an earlier one. */
function rank(state: CommandUpdate['state']): number {
  return Math.min(3, order.indexOf(state))
}
