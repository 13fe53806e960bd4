import { telemetryTopic } from '@gaugeline/backend/protocol'
import mqtt, { type MqttClient } from 'mqtt'
import type { Sent } from './checker.ts'

const ackTimeoutMs = 4_000
const reconnectMs = 1_100

/**
 * A device that knows what it sent. It publishes with QoS 1 and sends the same readings again until they are acknowledged, as a real
 * one does; so every reading ends up acknowledged, some of them sent more than once.
 */
export class CampaignDevice {
  readonly topic: string
  readonly sent: Sent[] = []
  readonly #url: string
  readonly #id: string
  readonly #telemetryTopic: string
  #client: MqttClient | undefined
  #n = 0
  #lastTs = 0
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
    const payload = JSON.stringify(readings.length === 1 ? readings[0] : readings)
    while (!this.#stopped) {
      if (await this.#tryPublish(payload)) break
    }
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

  /** The TCP connection is cut without a DISCONNECT. */
  reset(): void {
    this.#client?.stream.destroy()
  }

  /** From now on readings are dated so much earlier: they arrive late. */
  setClockBack(ms: number): void {
    this.#clockOffsetMs = -ms
  }

  stop(): void {
    this.#stopped = true
    this.#client?.end(true)
  }

  #nextReading(): { ts: number; boot: string; n: number; metrics: Record<string, number> } {
    const n = ++this.#n
    const wanted = Date.now() + this.#clockOffsetMs
    // Times are unique per device, so that a chart's point can be told from its neighbours; going back is allowed.
    const ts =
      this.#clockOffsetMs === 0 ? Math.max(wanted, this.#lastTs + 1) : this.#uniqueBack(wanted)
    this.#lastTs = Math.max(this.#lastTs, ts)
    return { ts, boot: 'c1', n, metrics: { n, value: Math.imul(n, 2_654_435_761) >>> 8 } }
  }

  readonly #used = new Set<number>()
  #uniqueBack(wanted: number): number {
    let ts = Math.trunc(wanted)
    while (this.#used.has(ts) || this.sent.some((reading) => reading.ts === ts)) ts++
    this.#used.add(ts)
    return ts
  }

  async #tryPublish(payload: string): Promise<boolean> {
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
      this.#client = await mqtt.connectAsync(
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
      this.#client.on('error', () => undefined)
      return this.#client
    } catch {
      await new Promise((resolve) => setTimeout(resolve, reconnectMs))
      return undefined
    }
  }

  #drop(client: MqttClient): void {
    client.end(true)
    if (this.#client === client) this.#client = undefined
  }
}
