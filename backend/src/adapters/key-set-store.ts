/** What an issuer's key set is like in the place that all execution environments share. */
export interface KeptKeySet {
  /** JSON text of the last good set; absent when none was fetched yet. */
  readonly text?: string
  /** Epoch ms at which that set was fetched. */
  readonly fetchedAtMs?: number
}

/**
 * One key set for all execution environments: an environment that starts asks here and not the issuer, also while the issuer cannot be asked.
 * Throws what its store throws; without it each environment asks the issuer by itself.
 */
export interface KeySetStore {
  read(): Promise<KeptKeySet>
  /**
   * The right to ask the issuer on behalf of all, until `untilMs` or until its owner keeps a set or releases it. False: another environment has it, or has
   * kept a set that was fetched later than `seenMs`, the one that the caller knows.
   */
  lease(lease: {
    nowMs: number
    untilMs: number
    seenMs: number
    /** A name of the caller's own. */
    owner: string
  }): Promise<boolean>
  /** Keeps a set, unless one fetched later is there, and ends the owner's lease. */
  keep(set: Required<KeptKeySet>, owner: string): Promise<void>
  /** Ends the lease of an owner who got no set. One that another has meanwhile goes on. */
  release(owner: string): Promise<void>
}
