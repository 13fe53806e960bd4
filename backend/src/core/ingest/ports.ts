import type { Reject } from '../telemetry/decode-record.ts'

/** Where records that cannot be used are kept. */
export interface Rejects {
  write(rejects: readonly Reject[]): Promise<void>
}
