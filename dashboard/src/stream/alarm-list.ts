import type { AlarmView } from '@gaugeline/backend/protocol'
import type { StreamClient } from './stream-client.ts'

/** Every alarm by its name, in its newest revision. */
export class AlarmList {
  readonly #client: StreamClient
  readonly #alarms = new Map<string, AlarmView>()
  /** Of the changes of all alarms. */
  #revision = 0
  #isAsking = false
  #isListed = false

  constructor(client: StreamClient) {
    this.#client = client
  }

  /** True once the server has listed them. */
  get isListed(): boolean {
    return this.#isListed
  }

  values(): IterableIterator<AlarmView> {
    return this.#alarms.values()
  }

  get(name: string): AlarmView | undefined {
    return this.#alarms.get(name)
  }

  /** Asks for all of them; without an answer the next newer revision asks again. */
  async list(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      const list = await this.#client.request({ action: 'alarms', op: 'list' })
      if (list.type !== 'alarms') return
      this.#alarms.clear()
      for (const alarm of list.alarms) this.#alarms.set(alarm.alarm, alarm)
      this.#revision = list.revision
      this.#isListed = true
    } catch {
      // Without the alarms the readings are still worth showing.
      return
    } finally {
      this.#isAsking = false
    }
  }

  /** The server's newest revision: a newer one than ours means that a push was missed. */
  learnRevision(revision: number): void {
    if (revision > this.#revision) void this.list()
  }

  pushed(alarm: AlarmView, revision: number): void {
    const held = this.#alarms.get(alarm.alarm)
    if (held && held.revision > alarm.revision) return
    this.#alarms.set(alarm.alarm, alarm)
    this.#revision = Math.max(this.#revision, revision)
  }
}
