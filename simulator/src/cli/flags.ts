import { InvalidArgumentError, type Command } from 'commander'
import { durationRule, longestMs, parseDuration } from '../scenario/duration.ts'

/** The flags of `run` and `demo`. */
export interface RunFlags {
  readonly mqtt?: string
  readonly websocket?: string
  readonly stateDir: string
  readonly seed?: number
  readonly start?: number
  readonly duration?: number
  readonly devices?: number
  readonly threshold: readonly string[]
  readonly anonymous?: boolean
  readonly username?: string
  readonly password?: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly json?: boolean
  readonly out?: string
  readonly truth?: string
}

/** The flags of `plan`. */
export interface PlanFlags {
  readonly devices?: number
  readonly duration?: number
  readonly json?: boolean
}

export function withRunFlags(command: Command): Command {
  return command
    .option('--mqtt <url>', 'the broker (default: the one npm start runs)', broker)
    .option('--state-dir <dir>', 'the --state-dir of npm start', '.gaugeline')
    .option('--seed <number>', 'repeats a run to the last digit', seed)
    .option(
      '--start <time>',
      'the time of the first readings, such as 2026-03-01T08:00:00Z; makes every byte repeatable',
      start,
    )
    .option(
      '--duration <time>',
      'such as 30s or 10m; stages and faults shrink or grow with it',
      duration,
    )
    .option('--devices <count>', 'so many in all, in the proportions of the scenario', deviceCount)
    .option(
      '--threshold <metric: expression>',
      'one more, such as "ack.latency: p(99)<500ms"; may be repeated',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option('--anonymous', 'connect without the name of the thing')
    .option('--username <name>', 'the user name of all devices')
    .option('--password <text>', 'its password; better in GAUGELINE_MQTT_PASSWORD. Never printed')
    .option('--ca <file>', 'the authority of an mqtts, wss or https server (PEM)')
    .option('--cert <file>', 'the client certificate that all devices share (PEM)')
    .option('--key <file>', 'its key (PEM)')
    .option('--websocket <url>', 'the WebSocket API for verify; its token is GAUGELINE_TOKEN')
    .option('--json', 'the report as JSON on stdout')
    .option('--out <file>', 'writes the report as JSON')
    .option('--truth <file>', 'writes each injected fault as a line of JSON')
}

function broker(text: string): string {
  if (/^(mqtts?|wss?):\/\/[^/\s]+/.test(text)) return text
  throw new InvalidArgumentError('a broker is mqtt://host:1883, mqtts://, ws:// or wss://.')
}

function seed(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new InvalidArgumentError('a seed is a whole number, 0 or more.')
}

function start(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : NaN
  if (Number.isSafeInteger(ms) && ms > 0) return ms
  throw new InvalidArgumentError('a start is a time such as 2026-03-01T08:00:00Z.')
}

export function deviceCount(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 100_000) return number
  throw new InvalidArgumentError('a number of devices is a whole number from 1 to 100000.')
}

export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError(`${durationRule}.`)
  if (ms > longestMs) throw new InvalidArgumentError('a duration is at most 24d.')
  return ms
}
