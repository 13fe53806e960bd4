import { ProtocolError, type Note, type ServerMessage } from '../protocol/index.ts'
import type { Identity } from '../core/auth/identity.ts'
import type { Revocations } from '../core/auth/ports.ts'
import { memoryCommands } from '../core/commands/fakes.ts'
import { sendCommand } from '../core/commands/send-command.ts'
import { forgetConnection } from '../core/connections/close.ts'
import type { Connection, Connections } from '../core/connections/ports.ts'
import type { Audiences } from '../core/fanout/ports.ts'
import { sendNote, type NotePorts } from '../core/notes/send-note.ts'
import { refresh } from '../core/session/refresh.ts'
import { revoke } from '../core/session/revoke.ts'
import type { Subscriptions } from '../core/subscriptions/ports.ts'
import { removeConnection } from '../core/subscriptions/remove-connection.ts'
import { renewConnection } from '../core/subscriptions/renew-connection.ts'
import { connection as connectionAt, streamItem } from './records.ts'
import { mayKnow, random, topicsOf } from './scenario-account.ts'
import { testClock, type TestClock } from './test-clock.ts'
import { createWorld } from './world.ts'

const SITES = 3
const PEOPLE = 50
const DEVICES = 200
const BATCH = 60
/** So many sockets of former people may still stand in the tables. */
const LEFTOVERS = 30

/** What a scenario stands on. */
export interface ScenarioParts {
  readonly subscriptions: Subscriptions
  readonly audiences: Audiences
  readonly connections: Connections
  readonly revocations: Revocations
  readonly watchers: NotePorts['watchers']
  /** Whom `subscribe` takes the caller for. */
  readonly subscriber?: (who: Connection) => Connection
}

export interface ScenarioReport {
  readonly sends: number
  /** Told to somebody who may not see it; must be 0. */
  readonly unentitled: number
  /** Requests that were refused. */
  readonly refused: number
  /** How often each kind of message was looked at. */
  readonly kinds: Readonly<Record<string, number>>
}

/**
 * People come, subscribe, ask for history, write notes, send commands, get other grants by the real `refresh`, are revoked by the real `revoke`
 * (also while readings are being delivered) and expire, while devices send and come and go. The scenario keeps its own account of who may see what
 * and looks at everything that anybody was told. Half of those who leave stay in the tables, as after a lost `$disconnect`, and half of the
 * revocations are only written: the send itself must refuse.
 */
export class EntitlementScenario {
  readonly #next: () => number
  readonly #clock: TestClock
  readonly #parts: ScenarioParts
  readonly #world: ReturnType<typeof createWorld>
  readonly #people: Connection[] = []
  readonly #all = new Map<string, Connection>()
  readonly #revoked = new Set<string>()
  readonly #left: string[] = []
  readonly #kinds = new Map<string, number>()
  readonly #commands = memoryCommands()
  /** Whose rights change at this very moment: what reaches them now may be of before or after. */
  #changing: string | undefined
  #serial = 0
  #sequence = 0
  #sends = 0
  #unentitled = 0
  #refused = 0

  constructor(seed: number, make: (clock: TestClock) => ScenarioParts) {
    this.#next = random(seed)
    this.#clock = testClock()
    this.#parts = make(this.#clock)
    this.#world = createWorld(this.#clock, this.#parts)
  }

  /** Goes on for so many sends; `first`: only until the first unentitled one. */
  async run(sends: number, until?: 'first'): Promise<ScenarioReport> {
    for (let place = 0; place < PEOPLE; place++) await this.#arrive(place)
    const isOver = (): boolean =>
      this.#sends >= sends || (until === 'first' && this.#unentitled > 0)
    while (!isOver()) await this.#step()
    const kinds = Object.fromEntries(this.#kinds)
    return { sends: this.#sends, unentitled: this.#unentitled, refused: this.#refused, kinds }
  }

  #pick(count: number): number {
    return Math.floor(this.#next() * count)
  }
  #device(site = `plant-${this.#pick(SITES)}`): string {
    return `${site}/device-${this.#pick(DEVICES / SITES)}`
  }
  #topic(): string {
    const site = `plant-${this.#pick(SITES)}`
    const kind = this.#next()
    if (kind < 0.05) return '#'
    return kind < 0.35 ? `${site}/#` : this.#device(site)
  }
  #grants(): string[] {
    return Array.from({ length: 1 + this.#pick(4) }, () => this.#topic())
  }
  #end(): number {
    return Math.floor(this.#clock.ms / 1_000) + 30 + this.#pick(600)
  }

  async #arrive(place: number): Promise<void> {
    const before = this.#people[place]
    if (before) this.#left.push(before.connectionId)
    if (this.#left.length > LEFTOVERS) await this.#forget(this.#left.shift() ?? '')
    const serial = ++this.#serial
    const who = connectionAt({
      connectionId: `c${serial}=`,
      user: `user-${serial}`,
      tokenId: `token-${serial}`,
      devices: this.#grants(),
      expiresAt: this.#end(),
      connectedAt: this.#clock.ms,
    })
    await this.#parts.connections.open(who)
    this.#put(place, who)
  }
  #forget(connectionId: string): Promise<void> {
    return forgetConnection(connectionId, this.#ports())
  }
  #put(place: number, who: Connection): void {
    this.#people[place] = who
    this.#all.set(who.connectionId, who)
  }
  #mayAct(who: Connection): boolean {
    const isOver = this.#revoked.has(who.user) || this.#revoked.has(who.tokenId)
    return who.expiresAt * 1_000 > this.#clock.ms && !isOver
  }

  async #step(): Promise<void> {
    const place = this.#pick(PEOPLE)
    const known = this.#people[place]
    if (!known) return
    // As a route does: the row says who speaks.
    const who = await this.#parts.connections.find(known.connectionId)
    const kind = this.#next()
    if (!who || !this.#mayAct(known)) await this.#arrive(place)
    else if (kind < 0.4) await this.#subscribe(who)
    else if (kind < 0.52) await this.#refresh(place, who)
    else if (kind < 0.58) await this.#revoke(known)
    else if (kind < 0.7) await this.#ask(who)
    else if (kind < 0.76) await this.#tryTo(() => this.#note(who))
    else if (kind < 0.82) await this.#tryTo(() => this.#command(who))
    if (this.#next() < 0.4) await this.#publish()
    this.#clock.ms += this.#pick(2_000)
  }

  async #subscribe(who: Connection): Promise<void> {
    const items = Array.from({ length: 3 }, () => this.#topic()).map((topic, sid) => ({
      sid: sid + 3 * this.#pick(3),
      topic,
      mode: topic.includes('#') ? 'latest' : 'complete',
    }))
    const subscriber = this.#parts.subscriber?.(who) ?? who
    const answer = await this.#world.subscribe(items, subscriber)
    for (const result of answer.results) if (!result.ok) this.#refused++
    this.#look(who.connectionId, answer)
  }

  async #refresh(place: number, who: Connection): Promise<void> {
    const identity = {
      ...who,
      devices: this.#grants(),
      expiresAt: this.#end(),
      tokenId: `token-${++this.#serial}`,
    }
    const tokens = { verify: () => Promise.resolve({ ok: true, identity } as const) }
    const message = { action: 'refresh', id: 1, token: 'new' } as const
    await this.#during(who, () => refresh(message, who, { ...this.#ports(), tokens }))
    this.#put(place, { ...identity, revision: who.revision + 1 })
  }

  async #revoke(who: Connection): Promise<void> {
    const target = this.#next() < 0.5 ? { user: who.user } : { jti: who.tokenId }
    const { issuer } = who
    if (this.#next() < 0.5) {
      // The administrator's function dies when only the revocation is written.
      if (target.user !== undefined) {
        await this.#parts.revocations.revokeUser(issuer, target.user, this.#clock.ms)
      } else await this.#parts.revocations.revokeToken(issuer, target.jti, this.#clock.ms)
    } else {
      const admin = connectionAt({ connectionId: 'admin=', user: 'ada', roles: ['admin'], issuer })
      const message = { action: 'revoke', id: 1, ...target } as const
      await this.#during(who, () => revoke(message, admin, this.#ports()))
    }
    this.#revoked.add(target.user ?? target.jti)
  }

  /** A change of somebody's rights, half of the time with a batch under way. */
  async #during(who: Connection, change: () => Promise<unknown>): Promise<void> {
    this.#changing = who.connectionId
    await Promise.all([change(), this.#next() < 0.5 ? this.#publish() : undefined])
    this.#changing = undefined
  }

  async #ask(who: Connection): Promise<void> {
    const topic = this.#device()
    const to = this.#clock.ms
    await this.#tryTo(async () => {
      this.#look(who.connectionId, await this.#world.ask({ topic, from: to - 10_000, to }, who))
    })
  }
  async #note(who: Connection): Promise<void> {
    const message = { action: 'sendMessage', id: 1, topic: this.#topic(), text: 'x' } as const
    const ports = {
      ...this.#ports(),
      keep: (note: Note) => Promise.resolve(note),
      retentionMs: 3_600_000,
    }
    this.#look(
      who.connectionId,
      await sendNote(message, who, { ...ports, watchers: this.#parts.watchers }),
    )
  }
  async #command(who: Connection): Promise<void> {
    const key = `key-${++this.#serial}`
    const request = { action: 'command', id: 1, key, name: 'reboot', args: {} } as const
    const message = { ...request, topic: this.#device(), ttlMs: 30_000 } as const
    const devices = { publish: () => Promise.resolve('published' as const) }
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const ports = { ...this.#ports(), commands: this.#commands, devices, digest: String, log }
    this.#look(who.connectionId, await sendCommand(message, who, ports))
  }
  async #tryTo(request: () => Promise<void>): Promise<void> {
    try {
      await request()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#refused++
    }
  }

  async #publish(): Promise<void> {
    const at = { brokerMs: this.#clock.ms, arrivalMs: this.#clock.ms }
    const items = Array.from({ length: BATCH }, () => {
      const device = this.#device()
      const sequence = ++this.#sequence
      if (this.#next() > 0.1) {
        const payload = { ts: this.#clock.ms, metrics: { a: sequence } }
        return streamItem(sequence, payload, { ...at, topic: `dt/${device}/telemetry` })
      }
      const event = this.#next() < 0.5 ? 'connected' : 'disconnected'
      const topic = `$aws/events/presence/${event}/${device.split('/')[1] ?? ''}`
      const session = { timestamp: this.#clock.ms, versionNumber: sequence }
      return streamItem(sequence, session, { ...at, kind: 'presence', topic })
    })
    await this.#world.deliver(...items)
    for (const { connectionId, message } of this.#world.posts.splice(0)) {
      this.#look(connectionId, message)
    }
  }

  /** Looks at what somebody was told. */
  #look(connectionId: string, message: ServerMessage): void {
    if (connectionId === this.#changing) return
    const who = this.#all.get(connectionId)
    for (const topic of topicsOf(message)) {
      this.#sends++
      this.#kinds.set(message.type, (this.#kinds.get(message.type) ?? 0) + 1)
      if (!who || !this.#mayAct(who) || !mayKnow(who, topic, message)) this.#unentitled++
    }
  }

  #ports() {
    const { subscriptions, connections, revocations } = this.#parts
    return {
      connections,
      revocations,
      subscriptions: {
        removeConnection: async (id: string) => {
          await removeConnection(id, subscriptions)
        },
        countOf: () => Promise.resolve(0),
        renewConnection: (id: string, identity: Identity) =>
          renewConnection(id, identity, subscriptions),
      },
      sockets: {
        post: (to: string, frame: string) => {
          this.#look(to, JSON.parse(frame) as ServerMessage)
          return Promise.resolve('ok' as const)
        },
        disconnect: () => Promise.resolve('ok' as const),
      },
      expiryQueue: { send: () => Promise.resolve() },
      clock: this.#clock,
      newId: () => `id-${++this.#serial}`,
    }
  }
}
