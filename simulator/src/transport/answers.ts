/** Answers that wait for the link at most; older ones go first. */
const WAITING = 100

/**
 * What a device has to say about commands, sent in order, each until the broker has acknowledged it: a command that was carried out while the
 * link was down is still answered.
 */
export class Answers {
  /** Resolves true when the broker has acknowledged. */
  readonly #publish: (topic: string, payload: string) => Promise<boolean>
  readonly #waiting: { readonly topic: string; readonly payload: string }[] = []
  #run: Promise<void> | undefined

  constructor(publish: (topic: string, payload: string) => Promise<boolean>) {
    this.#publish = publish
  }

  add(topic: string, answer: object): void {
    this.#waiting.push({ topic, payload: JSON.stringify(answer) })
    if (this.#waiting.length > WAITING) this.#waiting.shift()
    void this.flush()
  }

  /** Sends what waits; resolves when nothing waits, or the link does not take it. To be called when the link is up again. */
  flush(): Promise<void> {
    this.#run ??= this.#send().finally(() => {
      this.#run = undefined
    })
    return this.#run
  }

  async #send(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!(await this.#publish(next.topic, next.payload))) return
      if (this.#waiting[0] === next) this.#waiting.shift()
    }
  }
}
