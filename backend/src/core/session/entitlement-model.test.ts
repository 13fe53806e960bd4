import { expect, it } from 'vitest'
import { isEntitled, type ServerMessage } from '../../protocol/index.ts'
import { memorySubscriptions } from '../../testing/memory-subscriptions.ts'
import { connection as connectionAt, streamItem } from '../../testing/records.ts'
import { createWorld, testClock } from '../../testing/world.ts'
import type { Connection } from '../connections/ports.ts'
import type { Audiences } from '../delivery/ports.ts'
import { renewConnection } from '../subscriptions/renew-connection.ts'

const SITES = 3
const PEOPLE = 50
const DEVICES = 200
const BATCH = 60
/** GAUGELINE_MODEL_SENDS=1000000 is the long form. */
const SENDS = Number(process.env['GAUGELINE_MODEL_SENDS'] ?? 100_000)

/** mulberry32: the same seed tells the same story. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Report {
  readonly sends: number
  readonly unentitled: number
  readonly refused: number
}

/**
 * People come, subscribe, get other grants, are revoked and expire while devices send; the model knows at every moment who may see what, and
 * looks at every block that was posted. Rows are left standing on purpose where the product would remove them: the send itself must refuse.
 */
class Story {
  readonly #next: () => number
  readonly #clock = testClock()
  readonly #memory = memorySubscriptions(this.#clock)
  readonly #world: ReturnType<typeof createWorld>
  readonly #people: Connection[] = []
  readonly #all = new Map<string, Connection>()
  readonly #revoked = new Set<string>()
  #serial = 0
  #sequence = 0
  #messageId = 0
  #looked = 0
  sends = 0
  unentitled = 0
  refused = 0

  constructor(seed: number, sabotage: (audiences: Audiences) => Audiences) {
    this.#next = random(seed)
    this.#world = createWorld(this.#clock, {
      subscriptions: this.#memory,
      audiences: sabotage(this.#memory),
    })
    for (let i = 0; i < PEOPLE; i++) this.#arrive(i)
  }

  async run(sends: number): Promise<Report> {
    while (this.sends < sends) await this.#step()
    return { sends: this.sends, unentitled: this.unentitled, refused: this.refused }
  }

  #pick(count: number): number {
    return Math.floor(this.#next() * count)
  }

  #topic(): string {
    const site = `plant-${this.#pick(SITES)}`
    const kind = this.#next()
    if (kind < 0.05) return '#'
    return kind < 0.35 ? `${site}/#` : this.#device(site)
  }

  #device(site = `plant-${this.#pick(SITES)}`): string {
    return `${site}/device-${this.#pick(DEVICES / SITES)}`
  }

  #arrive(place: number): void {
    const serial = ++this.#serial
    this.#put(
      place,
      connectionAt({
        connectionId: `c${serial}=`,
        user: `user-${serial}`,
        devices: Array.from({ length: 1 + this.#pick(4) }, () => this.#topic()),
        expiresAt: this.#end(),
        connectedAt: this.#clock.ms,
      }),
    )
  }

  #put(place: number, who: Connection): void {
    this.#people[place] = who
    this.#all.set(who.connectionId, who)
  }

  #end(): number {
    return Math.floor(this.#clock.ms / 1_000) + 30 + this.#pick(600)
  }

  #mayAct(who: Connection): boolean {
    return who.expiresAt * 1_000 > this.#clock.ms && !this.#revoked.has(who.user)
  }

  async #step(): Promise<void> {
    const place = this.#pick(PEOPLE)
    const who = this.#people[place]
    if (!who) return
    const kind = this.#next()
    if (!this.#mayAct(who)) this.#arrive(place)
    else if (kind < 0.4) await this.#subscribe(who)
    else if (kind < 0.55) await this.#refresh(place, who)
    else if (kind < 0.6) this.#revoke(who)
    if (this.#next() < 0.4) await this.#publish()
    this.#clock.ms += this.#pick(2_000)
  }

  async #subscribe(who: Connection): Promise<void> {
    const wanted = Array.from({ length: 3 }, () => this.#topic())
    const items = wanted.map((topic, sid) => ({
      sid: sid + 3 * this.#pick(3),
      topic,
      mode: topic.includes('#') ? 'latest' : 'complete',
    }))
    const answer = await this.#world.subscribe(items, who, ++this.#messageId)
    for (const result of answer.results) if (!result.ok) this.refused++
    for (const { topic } of [...answer.blocks, ...answer.states]) this.#check(who, topic)
  }

  async #refresh(place: number, who: Connection): Promise<void> {
    const devices = Array.from({ length: 1 + this.#pick(3) }, () => this.#topic())
    const renewed = { ...who, devices, expiresAt: this.#end() }
    await renewConnection(who.connectionId, renewed, this.#memory)
    this.#put(place, renewed)
  }

  #revoke(who: Connection): void {
    this.#revoked.add(who.user)
    this.#memory.revokeUser(who.user)
  }

  async #publish(): Promise<void> {
    const items = Array.from({ length: BATCH }, () =>
      streamItem(
        ++this.#sequence,
        { ts: this.#clock.ms, metrics: { a: this.#sequence } },
        {
          topic: `dt/${this.#device()}/telemetry`,
          brokerMs: this.#clock.ms,
          arrivalMs: this.#clock.ms,
        },
      ),
    )
    await this.#world.deliver(...items)
    for (const { connectionId, message } of this.#world.posts.splice(this.#looked)) {
      const who = this.#all.get(connectionId)
      for (const topic of topicsOf(message)) this.#check(who, topic)
    }
    this.#looked = this.#world.posts.length
  }

  #check(who: Connection | undefined, topic: string): void {
    this.sends++
    if (!who || !this.#mayAct(who) || !isEntitled(who.devices, topic)) this.unentitled++
  }
}

function topicsOf(message: ServerMessage): readonly string[] {
  return message.type === 'data' ? message.blocks.map(({ topic }) => topic) : []
}

it(`P06: of ${SENDS} sends none goes to who may not see it`, { timeout: 600_000 }, async () => {
  const report = await new Story(4711, (audiences) => audiences).run(SENDS)
  expect(report.unentitled).toBe(0)
  expect(report.refused).toBeGreaterThan(100)
})

it.each<readonly [string, (audiences: Audiences) => Audiences]>([
  [
    'forgets revocations',
    (audiences) => ({
      ...audiences,
      load: async (topics) => ({ ...(await audiences.load(topics)), isRevoked: () => false }),
    }),
  ],
  [
    'forgets expiry',
    (audiences) => ({
      ...audiences,
      async load(topics) {
        const audience = await audiences.load(topics)
        const endless = (row: { readonly expiresAt: number }) => ({ ...row, expiresAt: 9e9 })
        return {
          ...audience,
          rowsFor: (topic) => audience.rowsFor(topic).map((row) => ({ ...row, ...endless(row) })),
        }
      },
    }),
  ],
  [
    'mixes up sites',
    (audiences) => ({
      ...audiences,
      async load(topics) {
        const audience = await audiences.load(topics)
        return {
          ...audience,
          rowsFor: (topic) =>
            audience
              .rowsFor(topic.replace(/^plant-\d/, 'plant-0') as typeof topic)
              .map((row) => ({ ...row, grants: ['#'] })),
        }
      },
    }),
  ],
])('the model sees a delivery that %s', { timeout: 120_000 }, async (_title, sabotage) => {
  const report = await new Story(4711, sabotage).run(40_000)
  expect(report.unentitled).toBeGreaterThan(0)
})
