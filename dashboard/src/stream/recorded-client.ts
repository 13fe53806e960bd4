import type { Action, ServerMessage } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import {
  type Answers,
  type Connection,
  type Request,
  RequestFailed,
  type StreamClient,
  type StreamListener,
} from './stream-client.ts'

/** One message of a recording, `afterMs` milliseconds after its start. Answers are found by type, whatever id was recorded. */
export interface RecordedMessage {
  readonly afterMs: number
  readonly message: ServerMessage
}

const answerTypes: Readonly<Record<Action, ServerMessage['type'][]>> = {
  hello: ['welcome'],
  ping: ['pong'],
  subscribe: ['subscribed'],
  unsubscribe: ['unsubscribed'],
  history: ['history'],
  command: ['command'],
  sendMessage: ['note'],
  alarms: ['alarms', 'alarmHistory', 'alarm'],
  refresh: ['refreshed'],
  revoke: ['revoked'],
}

/** Plays a recorded list of server messages: pushes at their times, answers in their order when they are asked for. */
export class RecordedClient implements StreamClient {
  readonly #recording: readonly RecordedMessage[]
  readonly #clock: Clock
  readonly #listeners = new Set<StreamListener>()
  readonly #answers: ServerMessage[]
  #cancels: (() => void)[] = []
  #connection: Connection

  constructor(recording: readonly RecordedMessage[], clock: Clock) {
    this.#recording = recording
    this.#clock = clock
    this.#answers = recording.filter(isAnswer).map((entry) => entry.message)
    this.#connection = { phase: 'idle', since: clock.now(), attempt: 0, clockOffsetMs: 0 }
  }

  start(): void {
    const welcome = this.#answers.find((message) => message.type === 'welcome')
    if (welcome?.type === 'welcome') {
      this.#change({ phase: 'resuming', welcome, openedAt: this.#clock.now() })
      const ready = [...this.#listeners].map(async (listener) => listener.welcome?.(welcome))
      void Promise.allSettled(ready).then(() => this.#change({ phase: 'live' }))
    }
    for (const entry of this.#recording) {
      if (!isAnswer(entry)) {
        this.#cancels.push(this.#clock.after(entry.afterMs, () => this.#emit(entry.message)))
      }
    }
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
    this.#change({ phase: 'idle' })
  }

  connection(): Connection {
    return this.#connection
  }

  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  request<A extends Action>(message: Request<A> & { readonly action: A }): Promise<Answers[A]> {
    const types = answerTypes[message.action]
    const index = this.#answers.findIndex((answer) => types.includes(answer.type))
    const [answer] = index < 0 ? [] : this.#answers.splice(index, 1)
    if (!answer) {
      const text = `The recording has no (further) answer to ${message.action}`
      return Promise.reject(new RequestFailed('TIMEOUT', text))
    }
    this.#emit(answer)
    // Found by the action's own answer types.
    return Promise.resolve(answer as Answers[A])
  }

  reportPositions(): void {
    // A recording sends no pings.
  }

  wake(): void {
    return
  }

  #emit(message: ServerMessage): void {
    const now = this.#clock.now()
    this.#connection = { ...this.#connection, lastReceivedAt: now }
    for (const listener of this.#listeners) listener.message?.(message, now)
  }

  #change(change: Partial<Connection>): void {
    this.#connection = { ...this.#connection, since: this.#clock.now(), ...change }
    for (const listener of this.#listeners) listener.connection?.(this.#connection)
  }
}

function isAnswer({ message }: RecordedMessage): boolean {
  return 'id' in message
}
