/** Messages of one connection that may be at work at once (APIGW-13). AWS has no such bound; one machine needs it, so that the others have their turn. */
const AT_WORK = 64

/** The messages of one connection on their way to their routes. */
export interface MessageIntake {
  /** Runs a message now, or as soon as an earlier one has ended. */
  take(body: string): void
  /** Runs nothing more. */
  stop(): void
}

/**
 * `run` never rejects. `full` is told true when a message has to wait and false when none does: then the client is not read from, so that what it
 * sends too fast waits on its own side of the connection.
 */
export function messageIntake(options: {
  readonly run: (body: string) => Promise<void>
  readonly full: (isFull: boolean) => void
}): MessageIntake {
  let waiting: string[] = []
  let atWork = 0
  let isStopped = false

  const next = (): void => {
    atWork--
    if (isStopped) return
    const body = waiting.shift()
    if (body === undefined) return
    begin(body)
    if (waiting.length === 0) options.full(false)
  }
  const begin = (body: string): void => {
    atWork++
    void options.run(body).then(next)
  }

  return {
    take(body) {
      if (isStopped) return
      if (atWork < AT_WORK) {
        begin(body)
        return
      }
      waiting.push(body)
      if (waiting.length === 1) options.full(true)
    },
    stop() {
      isStopped = true
      waiting = []
    },
  }
}
