/**
 * What a device publishes: `{"ts":ms,"boot":"id","n":counter,"metrics":{"temperature":21.4}}`, an array of those, or a flat
 * object of numbers (`{"temperature":21.4}`: the broker's time, no device counter), so that any MQTT client works at once.
 */

export interface TelemetryPayload {
  /** Device clock, epoch milliseconds. */
  readonly ts?: number
  /** Changes whenever the device's counter starts again. */
  readonly boot?: string
  /** Counter of the readings of this boot, without holes when nothing was lost. */
  readonly n?: number
  /** Metric name → value in the metric's unit; `null` = the sensor had no reading. */
  readonly metrics: Readonly<Record<string, number | null>>
}

export const telemetryTopic = (site: string, device: string): string =>
  `dt/${site}/${device}/telemetry`
export const commandTopic = (site: string, device: string, commandId: string): string =>
  `cmd/${site}/${device}/${commandId}`
export const commandResultTopic = (site: string, device: string, commandId: string): string =>
  `${commandTopic(site, device, commandId)}/result`
export const demandTopic = (site: string, device: string): string => `cmd/${site}/${device}/demand`

/** What arrives, retained, on a device's demand topic: how many connections watch it, so that it may send less often while none does. */
export interface DemandMessage {
  readonly watchers: number
  /** Epoch milliseconds as of which they were counted; a device ignores what is older than what it was told. */
  readonly at: number
}

/** What arrives on a device's command topic. */
export interface CommandRequest {
  readonly commandId: string
  readonly name: CommandName
  readonly args: Readonly<Record<string, unknown>>
  /** Epoch milliseconds; a device must not carry out a command after this. */
  readonly expiresAt: number
}

/** What a device publishes on the command's result topic: `acked` first, then `done` or `failed`. */
export interface CommandResult {
  readonly state: 'acked' | 'done' | 'failed'
  readonly message?: string
  readonly value?: unknown
}

/** The commands that demo devices answer. */
export const commandNames = ['setInterval', 'reboot', 'identify', 'setPoint'] as const
export type CommandName = (typeof commandNames)[number]
