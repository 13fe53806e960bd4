import { topicTrie } from './topic-trie.ts'

interface Message {
  readonly topic: string
}
type Done = (error?: Error | null) => void
type Listener = (message: Message, done: Done) => void

/** What aedes asks of its `mq` option. */
export interface TopicEmitter {
  on(filter: string, listener: Listener, done?: () => void): TopicEmitter
  removeListener(filter: string, listener: Listener, done?: () => void): TopicEmitter
  emit(message: Message, done?: Done): TopicEmitter
  close(done?: () => void): TopicEmitter
}

const ignoreOutcome: Done = () => undefined

/**
 * Message distribution of the broker in place of aedes' own emitter, for three reasons. Filters match as IoT Core reads them
 * (IOT-10). Nothing waits in a queue: the other one holds at most 100 messages in flight, and when a slow subscriber let
 * thousands queue up, it released those without a subscriber one inside the other until the stack overflowed and the process
 * ended (`RangeError … nextBatch`). And a publisher does not wait for its subscribers; the broker bounds what a slow one may owe.
 */
export function topicEmitter(): TopicEmitter {
  const listeners = topicTrie<Listener>()
  let closed = false
  const emitter: TopicEmitter = {
    on(filter, listener, done) {
      listeners.add(filter, listener)
      if (done) setImmediate(done)
      return emitter
    },
    removeListener(filter, listener, done) {
      listeners.remove(filter, listener)
      if (done) setImmediate(done)
      return emitter
    },
    emit(message, done = () => undefined) {
      if (closed) done(new Error('the broker is closed'))
      else {
        for (const listener of listeners.match(message.topic)) listener(message, ignoreOutcome)
        done()
      }
      return emitter
    },
    close(done) {
      closed = true
      if (done) setImmediate(done)
      return emitter
    },
  }
  return emitter
}
