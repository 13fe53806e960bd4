/** Whether this execution environment is behind the stream: then what is newest goes first, and the rest is left to resume. */
export interface Backlog {
  /** Takes in the age of a batch's last record (ms); true while single readings are to be sent. */
  isBehind(ageMs: number): boolean
  /** Whether a subscription has not been told yet, since this backlog began, that readings are left out. */
  tellsFirst(connectionId: string, sid: number, topic: string): boolean
}

/** A batch so old is behind, until one is young again: between the two it stays as it is. */
const BEHIND_MS = 5_000
const CAUGHT_UP_MS = 1_000
const MAX_TOLD = 20_000

export function createBacklog(): Backlog {
  let isBehind = false
  const told = new Set<string>()
  return {
    isBehind(ageMs) {
      isBehind = ageMs > (isBehind ? CAUGHT_UP_MS : BEHIND_MS)
      if (!isBehind) told.clear()
      return isBehind
    },
    tellsFirst(connectionId, sid, topic) {
      const key = `${connectionId} ${sid} ${topic}`
      if (told.has(key) || told.size >= MAX_TOLD) return false
      told.add(key)
      return true
    },
  }
}
