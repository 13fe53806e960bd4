import { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import mqtt, { type MqttClient } from 'mqtt'
import type { Random } from '../random.ts'
import { backoff } from './backoff.ts'
import { connectFailure } from './connect-failure.ts'
import type { ConnectGate } from './connect-gate.ts'

export interface LinkEvents {
  /** CONNACK; milliseconds since the connect was due. */
  connected(latencyMs: number): void
  /** An attempt came to nothing. */
  failed(reason: string): void
  /** A connection fell that nobody had asked to end. */
  lost(reason: string): void
  /** A connection was cut by {@link MqttLink.cut}. */
  cut(): void
  message(topic: string, payload: Buffer): void
}

export interface LinkOptions {
  readonly url: string
  readonly clientId: string
  readonly username?: string
  /** Shared by all devices: a context of its own costs each about a megabyte. */
  readonly secureContext?: SecureContext | undefined
  /** Shared by all devices. */
  readonly gate: ConnectGate
  readonly subscribe: readonly string[]
  readonly random: Random
  readonly events: LinkEvents
}

/**
 * One device's connection. It reconnects by itself with jitter; mqtt.js's own reconnect has a fixed period, and its queue is
 * unbounded, so neither is used. What was not acknowledged when the link fell is reported as failed.
 */
export class MqttLink {
  readonly #options: LinkOptions
  readonly #backoff: ReturnType<typeof backoff>
  #client: MqttClient | undefined
  #retry: NodeJS.Timeout | undefined
  /** Of the attempt that is under way or waits for its turn. */
  #leaveGate: (() => void) | undefined
  #isWanted = false
  #lastError: Error | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#backoff = backoff(options.random)
  }

  get isConnected(): boolean {
    return this.#client?.connected ?? false
  }

  /** Connects and stays so; `intendedMs`: when the connect was due. */
  connect(intendedMs: number): void {
    this.#isWanted = true
    // A blackout that is under way goes on.
    if (!this.#client && this.#retry === undefined) this.#begin(intendedMs)
  }

  /** Says goodbye and stays away. Resolves when the connection has ended. */
  async disconnect(): Promise<void> {
    this.#isWanted = false
    this.#clearAttempt()
    const client = this.#client
    this.#client = undefined
    await client?.endAsync(!client.connected)
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

  /** Cuts the link for a while, as a network outage does; without a time, until the device's own next attempt. False: there is none. */
  cut(durationMs?: number): boolean {
    if (!this.#isWanted) return false
    const client = this.#client
    const wasConnected = client?.connected === true
    this.#client = undefined
    client?.stream.destroy()
    client?.end(true)
    if (wasConnected) this.#options.events.cut()
    this.#clearAttempt()
    this.#tryIn(durationMs ?? this.#backoff.next())
    return true
  }

  #tryIn(waitMs: number): void {
    const intendedMs = Date.now() + waitMs
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#begin(intendedMs)
    }, waitMs)
  }

  #clearAttempt(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#leaveGate?.()
    this.#leaveGate = undefined
  }

  #begin(intendedMs: number): void {
    if (this.#leaveGate) return
    this.#leaveGate = this.#options.gate.enter(() => {
      this.#attempt(intendedMs)
    })
  }

  #attempt(intendedMs: number): void {
    const { url, clientId, username, secureContext, events } = this.#options
    const client = mqtt.connect(url, {
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(secureContext === undefined ? {} : { secureContext }),
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      queueQoSZero: false,
    })
    this.#client = client
    this.#lastError = undefined
    let hasConnected = false
    client.on('connect', () => {
      hasConnected = true
      this.#onConnect(client, intendedMs)
    })
    client.on('error', (error) => {
      this.#lastError = error
    })
    client.on('close', () => {
      if (this.#client === client) this.#onClose(client, hasConnected)
    })
    client.on('message', (topic, payload) => {
      events.message(topic, payload)
    })
  }

  #onConnect(client: MqttClient, intendedMs: number): void {
    this.#backoff.reset()
    this.#clearAttempt()
    // Nagle and delayed acknowledgements would add up to 40 ms to a small QoS 1 exchange; mqtt.js does not switch it off.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
    client.setMaxListeners(200)
    if (this.#options.subscribe.length > 0) {
      client.subscribe([...this.#options.subscribe], { qos: 1 })
    }
    this.#options.events.connected(Date.now() - intendedMs)
  }

  #onClose(client: MqttClient, hasConnected: boolean): void {
    client.end(true)
    this.#client = undefined
    this.#clearAttempt()
    if (!this.#isWanted) return
    const { events } = this.#options
    if (hasConnected) events.lost(this.#lastError?.message ?? 'connection lost')
    else events.failed(connectFailure(this.#lastError))
    this.#tryIn(this.#backoff.next())
  }
}
