import {
  commandResultTopic,
  demandTopic,
  type CommandRequest,
  type CommandResult,
} from '@gaugeline/backend/protocol'
import { Answers } from '../transport/answers.ts'
import { commandDesk, parseCommand } from './command-desk.ts'

export interface InboxOptions {
  readonly site: string
  readonly id: string
  readonly publish: (topic: string, payload: string) => Promise<boolean>
  readonly carryOut: (request: CommandRequest) => Promise<CommandResult>
  /** Something arrived on the device's demand topic. */
  readonly demand: (payload: Buffer) => void
  readonly received: (request: CommandRequest) => void
  readonly log: (event: string, facts: Record<string, unknown>) => void
}

/** What a device is sent: commands, which it answers, and how many watch it. */
export class Inbox {
  readonly #options: InboxOptions
  readonly #answers: Answers
  readonly #desk: ReturnType<typeof commandDesk>

  constructor(options: InboxOptions) {
    this.#options = options
    this.#answers = new Answers(options.publish)
    this.#desk = commandDesk({
      carryOut: options.carryOut,
      answer: (commandId, result) => {
        this.#answers.add(commandResultTopic(options.site, options.id, commandId), result)
      },
      now: Date.now,
    })
  }

  take(topic: string, payload: Buffer): void {
    const { site, id, log, demand, received } = this.#options
    if (topic === demandTopic(site, id)) {
      demand(payload)
      return
    }
    const request = parseCommand(payload)
    if (!request) {
      log('command.unreadable', { device: id, topic })
      return
    }
    received(request)
    void this.#desk.take(request)
  }

  /** Sends the answers that wait; see {@link Answers.flush}. */
  flush(): Promise<void> {
    return this.#answers.flush()
  }
}
