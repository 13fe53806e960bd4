import type { DemandMessage, DeviceTopic } from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Audience } from '../fanout/ports.ts'
import type { Log } from '../telemetry-sink.ts'

/** The way to a device that wants to know how many watch it. */
export interface DemandMessages {
  /** Keeps the message for the device until the next one. Rejects when the broker has not said that it took it, or the signal aborts. */
  publish(topic: DeviceTopic, message: DemandMessage, signal: AbortSignal): Promise<void>
}

export interface SubscriberCountPorts {
  readonly messages: DemandMessages
  readonly clock: Timer
  readonly log: Log
}

/** Tells the devices of a batch their subscriber counts, where those have changed. Never throws, takes half a second at most. */
export interface SubscriberCounts {
  /** `asOfMs`: epoch ms at which the look at the subscriptions began. */
  announce(topics: readonly DeviceTopic[], audience: Audience, asOfMs: number): Promise<void>
}
