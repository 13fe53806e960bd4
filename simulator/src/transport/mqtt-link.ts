import { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import type { Random } from '../random.ts'
import { backoff } from './backoff.ts'
import { connectFailure } from './connect-failure.ts'
import type { ConnectGate } from './connect-gate.ts'

/** The DISCONNECT and the end of the connection take at most so long. */
const goodbyeMs = 1_000

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

/** A user name and a password. */
export interface Login {
  readonly username: string
  readonly password?: string
}

export interface LinkOptions {
  readonly url: string
  readonly clientId: string
  readonly login?: Login | undefined
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
  /** Since when a CONNACK is waited for. */
  #attemptMs: number | undefined
  #isWanted = false
  /** Nobody gets through before: an outage that a fault made. Epoch ms. */
  #downUntilMs = 0
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
    if (this.#client || this.#retry !== undefined) return
    // An outage that is under way goes on.
    const leftMs = this.#downUntilMs - Date.now()
    if (leftMs > 0) this.#tryIn(leftMs)
    else this.#begin(intendedMs)
  }

  /**
   * Says goodbye and stays away. Resolves when the connection has ended: at once when `isAbrupt`, and within a second whatever the broker does,
   * since mqtt.js itself would wait for acknowledgements and for the other side to close, for ever.
   */
  async disconnect({ isAbrupt = false } = {}): Promise<void> {
    this.#isWanted = false
    const hadTimeMs = Date.now() - (this.#attemptMs ?? Infinity)
    this.#clearAttempt()
    const client = this.#client
    this.#client = undefined
    if (hadTimeMs >= goodbyeMs) this.#options.events.failed('no CONNACK by the end')
    if (!client) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        client.stream.destroy()
        resolve()
      }, goodbyeMs)
      client.end(isAbrupt || !client.connected, () => {
        clearTimeout(timer)
        resolve()
      })
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

  /** Ends an outage that a fault made. */
  restore(): void {
    if (!this.#isWanted || this.#downUntilMs <= Date.now()) return
    this.#downUntilMs = 0
    this.#clearAttempt()
    this.#begin(Date.now())
  }

  /**
   * Cuts the link for a while, as a network outage does; without a time, until the device's own next attempt. An outage that is under way is
   * never shortened. False: there was nothing to cut.
   */
  cut(durationMs?: number): boolean {
    if (!this.#isWanted) return false
    const client = this.#client
    const wasConnected = client?.connected === true
    const nowMs = Date.now()
    const leftMs = this.#downUntilMs - nowMs
    // What is down already cannot be cut, only be down for longer.
    if (leftMs > 0 && (durationMs === undefined || durationMs <= leftMs)) return false
    if (durationMs === undefined && !wasConnected) return false
    if (durationMs !== undefined) this.#downUntilMs = nowMs + durationMs
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
    this.#attemptMs = undefined
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
    this.#attemptMs = Date.now()
    const { url, clientId, login, secureContext, events } = this.#options
    const client = mqtt.connect(url, {
      clientId,
      ...login,
      ...(secureContext && secured(secureContext)),
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

/** For mqtts and wss alike: ws hands its options on to `tls.connect`, though its types do not say so. */
function secured(secureContext: SecureContext): Pick<IClientOptions, 'wsOptions'> {
  const options = { secureContext, wsOptions: { secureContext } as object }
  return options
}
