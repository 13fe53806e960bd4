import { telemetryTopic } from '@gaugeline/backend/protocol'
import mqtt, { type MqttClient } from 'mqtt'
import type { Sent } from './checker.ts'

const ackTimeoutMs = 4_000
const reconnectMs = 1_100

/** A payload that the broker acknowledged and nobody can read. */
export interface Poison {
  readonly telemetryTopic: string
  readonly payload: Buffer
}

/**
 * A device that knows what it sent. It publishes with QoS 1 and sends the same readings again until they are acknowledged, as a real
 * one does; so every reading ends up acknowledged, some of them sent more than once.
 */
export class CampaignDevice {
  readonly topic: string
  readonly sent: Sent[] = []
  readonly poison: Poison[] = []
  readonly #url: string
  readonly #id: string
  readonly #telemetryTopic: string
  readonly #used = new Set<number>()
  #client: MqttClient | undefined
  #boot = 1
  #n = 0
  #clockOffsetMs = 0
  #stopped = false

  constructor(url: string, site: string, id: string) {
    this.#url = url
    this.#id = id
    this.topic = `${site}/${id}`
    this.#telemetryTopic = telemetryTopic(site, id)
  }

  /** Publishes `count` readings in one message; resolves when they are acknowledged, however long that takes. */
  async publish(count: number): Promise<void> {
    const readings = Array.from({ length: count }, () => this.#nextReading())
    await this.#untilAcknowledged(JSON.stringify(count === 1 ? readings[0] : readings))
    for (const { ts, boot, n, metrics } of readings) {
      this.sent.push({
        topic: this.topic,
        key: `${boot}:${n}`,
        ts,
        values: metrics,
        outcome: this.#stopped ? 'unknown' : 'acknowledged',
      })
    }
  }

  /** Publishes a payload that is no telemetry, of one of four kinds, each one of its own. */
  async publishPoison(): Promise<void> {
    const id = `${this.topic} ${this.poison.length}`
    const payloads = [`{"open": "${id}`, `"${id}"`, `{"ts": "soon", "metrics": "${id}"}`]
    const text = payloads[this.poison.length % (payloads.length + 1)]
    const payload =
      text === undefined
        ? Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(id)])
        : Buffer.from(text)
    this.poison.push({ telemetryTopic: this.#telemetryTopic, payload })
    await this.#untilAcknowledged(payload)
  }

  /** The TCP connection is cut without a DISCONNECT. */
  reset(): void {
    this.#client?.stream.destroy()
  }

  /** From the next reading on it is another boot that counts from 1. */
  reboot(): void {
    this.#boot++
    this.#n = 0
    this.reset()
  }

  /** From now on readings are dated so much earlier: they arrive late. */
  setClockBack(ms: number): void {
    this.#clockOffsetMs = -ms
  }

  /** Another client with the same client id: the broker lets go of the first. */
  async rob(): Promise<void> {
    const thief = await this.#connect().catch(() => undefined)
    thief?.end(true)
  }

  /** A publish to the topic of a device of another site: the broker closes the connection. */
  trespass(): void {
    this.#client?.publish(telemetryTopic('elsewhere', 'secret'), '{"a":1}', { qos: 1 })
  }

  stop(): void {
    this.#stopped = true
    this.#client?.end(true)
  }

  #nextReading(): { ts: number; boot: string; n: number; metrics: Record<string, number> } {
    const n = ++this.#n
    const boot = this.#boot
    // Times are unique per device, so that a chart's point can be told from its neighbours; going back is allowed.
    let ts = Date.now() + this.#clockOffsetMs
    while (this.#used.has(ts)) ts++
    this.#used.add(ts)
    const value = Math.imul(n + boot * 7, 2_654_435_761) >>> 8
    return { ts, boot: `c${boot}`, n, metrics: { boot, n, value } }
  }

  async #untilAcknowledged(payload: string | Buffer): Promise<void> {
    while (!this.#stopped) {
      if (await this.#tryPublish(payload)) return
    }
  }

  async #tryPublish(payload: string | Buffer): Promise<boolean> {
    const client = await this.#connected()
    if (!client) return false
    return new Promise((resolve) => {
      const finish = (isAcknowledged: boolean): void => {
        clearTimeout(timer)
        client.off('close', onClose)
        // No answer in time: the link is given up, and the readings are sent again on another.
        if (!isAcknowledged) this.#drop(client)
        resolve(isAcknowledged)
      }
      const onClose = (): void => {
        finish(false)
      }
      const timer = setTimeout(onClose, ackTimeoutMs)
      client.once('close', onClose)
      client.publish(this.#telemetryTopic, payload, { qos: 1 }, (error) => {
        finish(!error)
      })
    })
  }

  async #connected(): Promise<MqttClient | undefined> {
    if (this.#client?.connected) return this.#client
    try {
      this.#client = await this.#connect()
      return this.#client
    } catch {
      await new Promise((resolve) => setTimeout(resolve, reconnectMs))
      return undefined
    }
  }

  async #connect(): Promise<MqttClient> {
    const client = await mqtt.connectAsync(
      this.#url,
      {
        clientId: this.#id,
        username: `thing:${this.topic}`,
        protocolVersion: 4,
        reconnectPeriod: 0,
        connectTimeout: 5_000,
      },
      false,
    )
    client.on('error', () => undefined)
    return client
  }

  #drop(client: MqttClient): void {
    client.end(true)
    if (this.#client === client) this.#client = undefined
  }
}
