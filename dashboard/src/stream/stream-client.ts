import type {
  Action,
  AlarmHistory,
  AlarmPush,
  AlarmsList,
  ClientMessageInput,
  CommandUpdate,
  ErrorCode,
  HistoryPage,
  NotePush,
  Pong,
  Position,
  Refreshed,
  Revoked,
  ServerMessage,
  Subscribed,
  Unsubscribed,
  Welcome,
} from '@gaugeline/backend/protocol'

/** Where the connection stands, in the words of the status bar. */
export type Phase =
  | 'idle'
  | 'connecting'
  | 'hello'
  | 'resuming'
  | 'live'
  | 'checking'
  | 'reconnecting'
  | 'signed-out'

/** An immutable view of the connection; a new object for every change. Times are epoch milliseconds of this machine. */
export interface Connection {
  readonly phase: Phase
  /** Since when the phase holds. */
  readonly since: number
  /** Retries since the last productive message. */
  readonly attempt: number
  readonly nextTryAt?: number | undefined
  /** When the link went away, while it is away. */
  readonly lostAt?: number | undefined
  readonly openedAt?: number | undefined
  readonly lastReceivedAt?: number | undefined
  readonly roundTripMs?: number | undefined
  /** Server clock minus this clock. */
  readonly clockOffsetMs: number
  readonly welcome?: Welcome | undefined
  /** Epoch milliseconds. */
  readonly tokenExpiresAt?: number | undefined
  /** Why the phase is `signed-out`. */
  readonly reason?: string | undefined
}

/** A message as a caller writes it: the client puts the `id` on. */
export type Request<A extends Action> = WithoutId<ClientMessageInput<A>>
/** Member by member of a union, which plain Omit would flatten. */
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

/** The message that answers each action. */
export interface Answers {
  hello: Welcome
  ping: Pong
  subscribe: Subscribed
  unsubscribe: Unsubscribed
  history: HistoryPage
  command: CommandUpdate
  sendMessage: NotePush
  alarms: AlarmsList | AlarmHistory | AlarmPush
  refresh: Refreshed
  revoke: Revoked
}

/** A request that got no good answer: the server's code, `TIMEOUT` after silence or `CLOSED` when there is no socket. */
export class RequestFailed extends Error {
  readonly code: ErrorCode | 'TIMEOUT' | 'CLOSED'
  readonly retryAfterMs: number | undefined

  constructor(code: RequestFailed['code'], message: string, retryAfterMs?: number) {
    super(message)
    this.name = 'RequestFailed'
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

export interface StreamListener {
  connection?(connection: Connection): void
  /** A new socket is ready. The phase is `resuming` until every returned promise has settled, then `live`. */
  welcome?(welcome: Welcome): Promise<void>
  /** Every server message, answers included. `receivedAt` is epoch milliseconds of this machine. */
  message?(message: ServerMessage, receivedAt: number): void
}

/** One stream of server messages, live over a WebSocket or played from a recording. */
export interface StreamClient {
  start(): void
  stop(): void
  connection(): Connection
  listen(listener: StreamListener): () => void
  /** Sends one message. Rejects with {@link RequestFailed}. */
  request<A extends Action>(message: Request<A> & { readonly action: A }): Promise<Answers[A]>
  /** Tells the client what each ping should report: the last position held of every complete-mode device. */
  reportPositions(source: () => Readonly<Record<string, Position>>): void
  /** The machine woke, the network came back or the person asked: try or check at once. */
  wake(): void
}
