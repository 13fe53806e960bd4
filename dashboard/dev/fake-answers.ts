import type {
  Block,
  ClientMessage,
  DeviceState,
  Note,
  Position,
  ServerMessage,
  SubscriptionResult,
} from '@gaugeline/backend/protocol'
import { comparePositions, limits, topicCovers } from '@gaugeline/backend/protocol'
import type { FakeAlarms } from './fake-alarms.ts'
import { blockOf, bucketsOf, prevOf, stateOf } from './fake-blocks.ts'
import type { FakeDevice } from './fake-factory.ts'
import type { FakePeer } from './fake-peer.ts'

type Client = { [A in ClientMessage['action']]: Extract<ClientMessage, { action: A }> }

export interface FakeAnswersOptions {
  readonly devices: readonly FakeDevice[]
  readonly alarms: FakeAlarms
  readonly now: () => number
  /** Until the token of each new socket ends. */
  readonly tokenMs: number
}

/** What the service answers to each request, without its rules. */
export class FakeAnswers {
  readonly #options: FakeAnswersOptions
  readonly #notes: Note[] = []

  constructor(options: FakeAnswersOptions) {
    this.#options = options
  }

  answer(peer: FakePeer, message: ClientMessage): void {
    switch (message.action) {
      case 'hello':
        peer.send(this.#welcome(message))
        break
      case 'ping':
        peer.send(this.#pong(message))
        break
      case 'subscribe':
        peer.send(this.#subscribed(peer, message))
        break
      case 'unsubscribe':
        for (const sid of message.sids) peer.subscriptions.delete(sid)
        peer.send({
          type: 'unsubscribed',
          id: message.id,
          sids: message.sids,
          reason: 'client',
        })
        break
      case 'history':
        peer.send(this.#history(message))
        break
      case 'command':
        this.#command(peer, message)
        break
      case 'sendMessage':
        peer.send(this.#note(message))
        break
      case 'alarms': {
        const answer = this.#options.alarms.answer(message)
        if (answer) peer.send(answer)
        break
      }
      case 'refresh':
        peer.send({ type: 'refreshed', id: message.id, tokenExpiresAt: this.#tokenEnd() })
        break
      case 'revoke':
        peer.send({ type: 'revoked', id: message.id, connectionsClosed: 0 })
        break
    }
  }

  #tokenEnd(): number {
    return Math.floor((this.#options.now() + this.#options.tokenMs) / 1_000)
  }

  #welcome({ id }: Client['hello']): ServerMessage {
    return {
      type: 'welcome',
      id,
      connectionId: 'dev',
      user: 'ana',
      roles: ['operator'],
      devices: ['plant-1/#', 'plant-2/#'],
      tokenExpiresAt: this.#tokenEnd(),
      limits,
      serverTime: this.#options.now(),
    }
  }

  #pong({ id, t0, positions }: Client['ping']): ServerMessage {
    const now = this.#options.now()
    const heads: Record<string, Position> = {}
    for (const topic of Object.keys(positions ?? {})) {
      const head = this.#device(topic)?.last?.position
      if (head) heads[topic] = head
    }
    const alarmsRevision = this.#options.alarms.revision
    return { type: 'pong', id, t0, t1: now, t2: now, heads, alarmsRevision }
  }

  #subscribed(peer: FakePeer, message: Client['subscribe']): ServerMessage {
    const results: SubscriptionResult[] = []
    const blocks: Block[] = []
    const states: DeviceState[] = []
    for (const wanted of message.subscriptions as WantedSubscription[]) {
      const { sid, topic, mode = 'complete', maxHz = Infinity } = wanted
      if (mode === 'complete' && !this.#device(topic)) {
        results.push(forbidden(sid, topic))
        continue
      }
      peer.subscriptions.set(sid, { topic, mode, maxHz })
      if (mode === 'latest') {
        results.push({ sid, ok: true, recovered: true, more: false })
        for (const device of this.#options.devices) {
          if (topicCovers(topic, device.topic)) states.push(...stateOf(device))
        }
      } else {
        const head = this.#device(topic)?.last?.position ?? null
        results.push({ sid, ok: true, recovered: true, more: false, head })
        blocks.push(...this.#snapshot(wanted))
      }
    }
    const notes = this.#notes
    return { type: 'subscribed', id: message.id, results, blocks, states, notes }
  }

  #snapshot({ sid, topic, since, window }: WantedSubscription): Block[] {
    const device = this.#device(topic)
    const from = this.#options.now() - (window?.lastMs ?? 60_000)
    const readings = (device?.readings ?? []).filter((reading) =>
      since ? comparePositions(reading.position, since) > 0 : reading.ts >= from,
    )
    if (!device || readings.length === 0) return []
    return [{ sid, ...blockOf(device, readings, since ?? prevOf(device, readings)) }]
  }

  #history(message: Client['history']): ServerMessage {
    const { id, topic, since, until, from, to, bucketMs } = message
    const device = this.#device(topic)
    const readings = (device?.readings ?? []).filter(
      (reading) =>
        (since === undefined || comparePositions(reading.position, since) > 0) &&
        (until === undefined || comparePositions(reading.position, until) <= 0) &&
        (from === undefined || reading.ts >= from) &&
        (to === undefined || reading.ts < to),
    )
    const base = {
      type: 'history',
      id,
      topic,
      cursor: null,
      complete: true,
      keptFromMs: 0,
    } as const
    if (bucketMs !== undefined) return { ...base, buckets: bucketsOf(topic, readings, bucketMs) }
    if (!device || readings.length === 0) return { ...base, blocks: [] }
    return { ...base, blocks: [blockOf(device, readings, since ?? prevOf(device, readings))] }
  }

  #note({ id, topic, text, at }: Client['sendMessage']): ServerMessage {
    const noteId = String(this.#notes.length)
    const note = { noteId, topic, text, at: at ?? this.#options.now(), by: 'ana' }
    this.#notes.push(note)
    return { type: 'note', id, note }
  }

  #command(peer: FakePeer, { id, key, topic, name }: Client['command']): void {
    const update = { type: 'command', key, commandId: key, topic, name } as const
    const rest = { at: this.#options.now(), by: 'ana' }
    peer.send({ ...update, ...rest, id, state: 'accepted' })
    const later = ['sent', 'acked', 'done'] as const
    later.forEach((state, i) =>
      setTimeout(() => peer.send({ ...update, ...rest, state }), 200 * (i + 1)),
    )
  }

  #device(topic: string): FakeDevice | undefined {
    return this.#options.devices.find((device) => device.topic === topic)
  }
}

interface WantedSubscription {
  readonly sid: number
  readonly topic: string
  readonly mode?: 'complete' | 'latest'
  readonly maxHz?: number
  readonly since?: Position
  readonly window?: { readonly lastMs: number }
}

/** The same for a device that there is not, as the service does it. */
function forbidden(sid: number, topic: string): SubscriptionResult {
  const message = `You may not see ${topic}. Ask an administrator for it, or choose another device.`
  return { sid, ok: false, code: 'FORBIDDEN', message, retry: 'never' }
}
