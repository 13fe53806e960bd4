import type {
  CommandName,
  CommandRequest,
  CommandState,
  CommandUpdate,
  DeviceTopic,
} from '../../protocol/index.ts'
import type { Connection } from '../connections/ports.ts'
import type { ResultEvent } from '../telemetry/decode-record.ts'
import type { CommandAdmission } from './command-window.ts'

/** A command and where it stands. */
export interface Command {
  readonly commandId: string
  /** The client's idempotency key, and a digest of what it asked for. */
  readonly key: string
  readonly bodyHash: string
  readonly user: string
  readonly topic: DeviceTopic
  readonly name: CommandName
  readonly args: Readonly<Record<string, unknown>>
  readonly state: CommandState
  /** Epoch ms of the last change of state. */
  readonly at: number
  readonly message?: string
  /** Epoch ms. */
  readonly createdAt: number
  readonly expiresAt: number
}

export interface StateChange {
  readonly state: CommandState
  /** Epoch ms. */
  readonly at: number
  readonly message?: string
}

/** The Commands table. Every change of state is an audit row too, both or none. */
export interface Commands {
  /** Counts against the user's commands of the last minute; `limited` beyond `limits.commandsPerMinute`. */
  count(user: string, nowMs: number): Promise<CommandAdmission>
  /** Stores a new command unless its user has used its key: then that command. */
  create(command: Command): Promise<'created' | Command>
  /** The command for which the user has used the key. */
  findByKey(user: string, key: string): Promise<Command | undefined>
  find(commandId: string): Promise<Command | undefined>
  /**
   * Moves the command if it is still in one of `from`; returns it as it is now, moved or not, `undefined` when it does not exist.
   */
  move(
    commandId: string,
    from: readonly CommandState[],
    change: StateChange,
  ): Promise<{ readonly moved: boolean; readonly command: Command } | undefined>
  /** Commands without an end whose time has run out by `nowMs`. */
  overdue(nowMs: number): Promise<readonly string[]>
}

/** The way to the device: the IoT data plane. */
export interface DeviceMessages {
  /** `refused`: the broker has not taken it and never will. `unknown`: no answer, or trouble of the broker; it may have it or not. */
  publish(topic: string, message: CommandRequest): Promise<'published' | 'refused' | 'unknown'>
}

/** What devices answered to commands. */
export interface CommandResults {
  /** Moves the command on; what to push and to whom, or undefined when nothing changed. Never throws because of what a device sent. */
  apply(
    event: ResultEvent,
  ): Promise<
    { readonly update: CommandUpdate; readonly connections: readonly Connection[] } | undefined
  >
}
