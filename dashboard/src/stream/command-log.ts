import type { CommandState, CommandUpdate } from '@gaugeline/backend/protocol'
import type { Request, StreamClient } from './stream-client.ts'

type CommandRequest = Request<'command'> & { readonly action: 'command' }

const COMMANDS_KEPT = 50
const order = ['accepted', 'sent', 'acked', 'done', 'failed', 'expired'] as const

/** The last stage of each command that this person sent; the last to move on comes last. */
export class CommandLog {
  readonly #client: Pick<StreamClient, 'request'>
  readonly #commands = new Map<string, CommandUpdate>()
  readonly #requests = new Map<string, CommandRequest>()

  constructor(client: Pick<StreamClient, 'request'>) {
    this.#client = client
  }

  values(): IterableIterator<CommandUpdate> {
    return this.#commands.values()
  }

  get(key: string): CommandUpdate | undefined {
    return this.#commands.get(key)
  }

  /** Rejects with {@link RequestFailed}. */
  send(request: CommandRequest): Promise<CommandUpdate> {
    this.#requests.set(request.key, request)
    return this.#client.request(request)
  }

  update(update: CommandUpdate): void {
    const held = this.#commands.get(update.key)
    if (held && rank(held.state) > rank(update.state)) return
    this.#commands.delete(update.key)
    this.#commands.set(update.key, update)
    if (isOver(update.state)) this.#requests.delete(update.key)
    if (this.#commands.size > COMMANDS_KEPT) {
      const [oldest] = this.#commands.keys()
      if (oldest === undefined) return
      this.#commands.delete(oldest)
      this.#requests.delete(oldest)
    }
  }

  /**
   * Asks where the commands stand that are not over: their pushes went to a link that was down or could not follow. A repeated key starts
   * nothing. One that was never answered is not asked about: it may not have arrived, and would be carried out now.
   */
  async catchUp(): Promise<void> {
    const open = [...this.#requests.values()].filter(({ key }) => this.#commands.has(key))
    await Promise.allSettled(open.map((request) => this.#client.request(request)))
  }
}

/** Updates may overtake each other on the way: a later stage never goes back to an earlier one. */
function rank(state: CommandState): number {
  return Math.min(3, order.indexOf(state))
}

const isOver = (state: CommandState): boolean => rank(state) === 3
