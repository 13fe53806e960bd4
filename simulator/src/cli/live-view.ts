import { panelLines, progressLine } from '../report/panel.ts'
import type { Progress } from '../run/progress.ts'
import type { Terminal } from './terminal.ts'

const lineEveryMs = 10_000
const shownEvents = 20
const quietEvents = ['device.connected', 'command.received', 'device.cut']

/** Shows a run while it goes on: a panel that is drawn again on a terminal, a line every ten seconds elsewhere. */
export class LiveView {
  readonly #terminal: Terminal
  #drawn = 0
  #events = 0
  #lastLineMs = 0
  #panel: readonly string[] = []

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  update(progress: Progress): void {
    const { columns } = this.#terminal
    if (columns !== undefined) {
      this.#panel = panelLines(progress, columns)
      this.#draw()
    } else if (progress.elapsedMs - this.#lastLineMs >= lineEveryMs) {
      this.#lastLineMs = progress.elapsedMs
      this.#terminal.err(`${progressLine(progress)}\n`)
    }
  }

  /** Trouble is shown, but not once per device of a large fleet. */
  event(name: string, facts: Record<string, unknown>): void {
    if (quietEvents.includes(name)) return
    if (++this.#events > shownEvents) return
    this.#erase()
    this.#terminal.err(`${name} ${JSON.stringify(facts)}\n`)
    if (this.#events === shownEvents) this.#terminal.err('further device events are not shown\n')
    this.#draw()
  }

  /** Leaves nothing behind of the panel. */
  close(): void {
    this.#erase()
    this.#panel = []
  }

  #draw(): void {
    this.#erase()
    if (this.#panel.length > 0) this.#terminal.err(`${this.#panel.join('\n')}\n`)
    this.#drawn = this.#panel.length
  }

  #erase(): void {
    // Up to the panel's first line, and everything below it away.
    if (this.#drawn > 0) this.#terminal.err(`\u001B[${this.#drawn}A\u001B[0J`)
    this.#drawn = 0
  }
}
