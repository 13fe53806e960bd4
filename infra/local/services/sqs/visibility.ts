import { minHeap } from '../../platform/heap.ts'
import type { Clock } from '../../platform/types.ts'
import type { Message } from './message.ts'

/** Which messages of a queue are visible now, and when the next one will be. No operation looks at every message. */
export interface Visibility {
  /** A message came, or its `visibleAtMs` changed. */
  changed(message: Message): void
  /** Messages that are visible at the call, longest visible first. What is taken out while they are read is passed over. */
  visible(): Iterable<Message>
  /** When the next hidden message becomes visible, on the monotonic clock; Infinity when none is hidden. */
  nextMs(): number
}

interface Entry {
  readonly messageId: string
  readonly atMs: number
}

/** So many outdated entries are no reason to clear up. */
const SMALL = 1024

/** `messages`: the queue's own, by id; what is no longer in it is forgotten here at its turn. */
export function createVisibility(clock: Clock, messages: ReadonlyMap<string, Message>): Visibility {
  let hidden = minHeap<Entry>(({ atMs }) => atMs)
  const ready = new Set<string>()

  const isCurrent = ({ messageId, atMs }: Entry): boolean =>
    messages.get(messageId)?.visibleAtMs === atMs
  const add = ({ messageId, visibleAtMs }: Message): void => {
    if (visibleAtMs <= clock.monotonic()) ready.add(messageId)
    else hidden.add({ messageId, atMs: visibleAtMs })
  }
  /** Messages that were removed, or hidden for another time, leave entries behind. */
  const dropOutdated = (): void => {
    if (hidden.size() <= 2 * messages.size + SMALL) return
    hidden = minHeap<Entry>(({ atMs }) => atMs)
    for (const message of messages.values()) if (!ready.has(message.messageId)) add(message)
  }
  const promote = (): void => {
    for (let first = hidden.first(); first; first = hidden.first()) {
      if (isCurrent(first)) {
        if (first.atMs > clock.monotonic()) return
        ready.add(first.messageId)
      }
      hidden.shift()
    }
  }

  return {
    changed(message) {
      ready.delete(message.messageId)
      add(message)
      dropOutdated()
    },
    *visible() {
      promote()
      let left = ready.size
      for (const messageId of ready) {
        // One that is shown again at once (a visibility timeout of 0) waits for the next receive.
        if (left-- === 0) return
        const message = messages.get(messageId)
        if (message) yield message
        else ready.delete(messageId)
      }
    },
    nextMs() {
      promote()
      return hidden.first()?.atMs ?? Number.POSITIVE_INFINITY
    },
  }
}
