/**
 * What became of one post, by HTTP status and error name (MEASURE-1).
 * `gone`: 410. `throttled`: 429, the rate or the client's buffer. `slow`: no answer within the deadline. `forbidden`: 403, our own role
 * or address is wrong. `failed`: anything else.
 */
export type PostOutcome = 'ok' | 'gone' | 'throttled' | 'slow' | 'failed' | 'forbidden'

/** Posts to sockets. One attempt, never throws; `slow` when the signal is aborted before there is an answer. */
export interface Posts {
  post(connectionId: string, message: string, signal: AbortSignal): Promise<PostOutcome>
}
