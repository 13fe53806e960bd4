import type { AlarmState } from '../../protocol/index.ts'

/** An alarm as CloudWatch describes it. */
export interface AlarmFact {
  readonly alarm: string
  readonly description: string
  readonly state: AlarmState
  readonly reason: string
  /** Epoch ms of the last change of state. */
  readonly since: number
}

/** Where the alarms themselves are: CloudWatch. */
export interface AlarmSource {
  /** The alarms of this stack. */
  all(): Promise<readonly AlarmFact[]>
}

export interface AlarmNote {
  readonly at: number
  readonly by: string
  readonly text: string
}

/** What people did about an alarm, and the last state that an event told. */
export interface AlarmRecord {
  readonly alarm: string
  /** Bumped by every change; 0 = nothing recorded yet. */
  readonly revision: number
  /** From events; absent until the first. */
  readonly fact?: AlarmFact
  readonly acknowledgedBy?: string
  readonly acknowledgedAt?: number
  readonly shelvedUntil?: number
  readonly shelvedBy?: string
  /** The newest, oldest first; all of them are in the history. */
  readonly notes: readonly AlarmNote[]
  /** The change that made this revision. */
  readonly last?: AlarmEntry
}

export interface AlarmEntry {
  readonly at: number
  readonly kind: 'state' | 'ack' | 'note' | 'shelve' | 'unshelve'
  readonly by?: string
  readonly text: string
}

/** The Alarms table. */
export interface AlarmRecords {
  all(): Promise<readonly AlarmRecord[]>
  find(alarm: string): Promise<AlarmRecord | undefined>
  /**
   * Replaces the record if it still has the revision `before` (0 = does not exist), and adds its `last` to the history, both or none;
   * `conflict` otherwise.
   */
  replace(
    record: AlarmRecord & { readonly last: AlarmEntry },
    before: number,
  ): Promise<'replaced' | 'conflict'>
  /** Newest first, at most `limit`. */
  history(alarm: string, limit: number): Promise<readonly AlarmEntry[]>
  /** The revision of all alarms together, after adding one. */
  bump(): Promise<number>
  current(): Promise<number>
}

/** Connections that watch alarms. */
export interface AlarmWatchers {
  /** `expiresAt`: epoch seconds. */
  add(connectionId: string, expiresAt: number): Promise<void>
  /** Moves the end of a watcher; nothing happens to who is none. */
  renew(connectionId: string, expiresAt: number): Promise<void>
  /** Those that may still be told, by `nowMs`. */
  all(nowMs: number): Promise<readonly string[]>
  remove(connectionId: string): Promise<void>
}
