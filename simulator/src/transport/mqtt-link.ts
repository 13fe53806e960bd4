import { Socket } from 'node:net'
import mqtt, { type MqttClient } from 'mqtt'
import type { Random } from '../random.ts'
import { backoff } from './backoff.ts'

export interface LinkEvents {
  connected(): void
  disconnected(reason: string): void
  message(topic: string, payload: Buffer): void
}

export interface LinkOptions {
  readonly url: string
  readonly clientId: string
  readonly username?: string
  readonly subscribe: readonly string[]
  readonly random: Random
  readonly events: LinkEvents
}

/**
 * One device's connection. It reconnects by itself with jitter; mqtt.js's own reconnect has a fixed period, and its queue is
 * unbounded, so neither is used: a message that was not acknowledged when the link fell is reported as failed.
 */
export class MqttLink {
  readonly #options: LinkOptions
  readonly #backoff: ReturnType<typeof backoff>
  #client: MqttClient | undefined
  #retry: NodeJS.Timeout | undefined
  #stopped = false
  #lastError = 'connection lost'

  constructor(options: LinkOptions) {
    this.#options = options
    this.#backoff = backoff(options.random)
  }

  get isConnected(): boolean {
    return this.#client?.connected ?? false
  }

  connect(): void {
    clearTimeout(this.#retry)
    if (this.#stopped) return
    const { url, clientId, username } = this.#options
    const client = mqtt.connect(url, {
      clientId,
      ...(username === undefined ? {} : { username }),
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      queueQoSZero: false,
    })
    this.#client = client
    client.on('connect', () => {
      this.#onConnect(client)
    })
    client.on('error', (error) => {
      this.#lastError =
        error.message || (error as NodeJS.ErrnoException).code || 'connection failed'
    })
    client.on('close', () => {
      if (this.#client === client) this.#onClose(client)
    })
    client.on('message', (topic, payload) => {
      this.#options.events.message(topic, payload)
    })
  }

  /** QoS 1; resolves true on the broker's acknowledgement, false when the link fell before it. */
  publish(topic: string, payload: string, qos: 0 | 1 = 1): Promise<boolean> {
    const client = this.#client
    if (!client?.connected) return Promise.resolve(false)
    return new Promise((resolve) => {
      const onClose = (): void => {
        resolve(false)
      }
      client.once('close', onClose)
      client.publish(topic, payload, { qos }, (error) => {
        client.off('close', onClose)
        resolve(!error)
      })
    })
  }

  /** Cuts the link for a while, as a network outage does. */
  blackout(durationMs: number): void {
    const client = this.#client
    this.#client = undefined
    client?.stream.destroy()
    client?.end(true)
    this.#options.events.disconnected('blackout')
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.connect()
    }, durationMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#retry)
    await this.#client?.endAsync(!this.isConnected)
  }

  #onConnect(client: MqttClient): void {
    this.#backoff.reset()
    // Nagle and delayed acknowledgements would add up to 40 ms to a small QoS 1 exchange; mqtt.js does not switch it off.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
    client.setMaxListeners(200)
    if (this.#options.subscribe.length > 0) {
      client.subscribe([...this.#options.subscribe], { qos: 1 })
    }
    this.#options.events.connected()
  }

  #onClose(client: MqttClient): void {
    client.end(true)
    this.#client = undefined
    if (this.#stopped) return
    this.#options.events.disconnected(this.#lastError)
    this.#retry = setTimeout(() => {
      this.connect()
    }, this.#backoff.next())
  }
}
