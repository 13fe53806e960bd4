import {
  commandArgsForms,
  commandArgsSchemas,
  commandNames,
  type CommandName,
  type CommandRequest,
  type CommandResult,
} from '@gaugeline/backend/protocol'
import * as v from 'valibot'

const IDENTIFY_SECONDS = 10

/** What commands do to a device. */
export interface Controls {
  setInterval(ms: number): void
  /** Resolves with the new boot id once the device is back. */
  reboot(): Promise<string>
  identify(seconds: number): void
  /** The main metric when none is named. Returns the metric that moves now, or the reason why none can. */
  setPoint(
    metric: string | undefined,
    value: number,
  ): { readonly metric: string } | { readonly refused: string }
}

/** Carries a command out and says what came of it: `done` only when it was, `failed` with the reason otherwise. */
export async function carryOut(
  { name, args }: CommandRequest,
  controls: Controls,
): Promise<CommandResult> {
  if (!commandNames.includes(name)) return failed('this device does not know the command')
  if (!v.is(commandArgsSchemas[name], args))
    return failed(`${name} takes ${commandArgsForms[name]}`)
  return runners[name](args, controls)
}

type Runner = (args: unknown, controls: Controls) => CommandResult | Promise<CommandResult>

const runners: Readonly<Record<CommandName, Runner>> = {
  setInterval(args, controls) {
    const { ms } = v.parse(commandArgsSchemas.setInterval, args)
    controls.setInterval(ms)
    return { state: 'done', message: `a reading every ${ms} ms`, value: ms }
  },
  async reboot(_, controls) {
    const boot = await controls.reboot()
    return { state: 'done', message: `runs as boot ${boot}`, value: boot }
  },
  identify(args, controls) {
    const { seconds = IDENTIFY_SECONDS } = v.parse(commandArgsSchemas.identify, args)
    controls.identify(seconds)
    return { state: 'done', message: `blinks for ${seconds} s`, value: seconds }
  },
  setPoint(args, controls) {
    const { metric, value } = v.parse(commandArgsSchemas.setPoint, args)
    const outcome = controls.setPoint(metric, value)
    if ('refused' in outcome) return failed(outcome.refused)
    return { state: 'done', message: `${outcome.metric} moves to ${value}`, value }
  },
}

const failed = (message: string): CommandResult => ({ state: 'failed', message })
