import { RequestFailed } from '../stream/stream-client.ts'

/** What a person reads when a request failed: the server's own sentence, or what to do where that names no way out. */
export function failureWords(error: unknown): string {
  if (error instanceof RequestFailed && error.code === 'REVISION_CONFLICT') {
    return 'Somebody changed this alarm a moment ago. Look again, then repeat.'
  }
  return error instanceof Error ? error.message : String(error)
}
