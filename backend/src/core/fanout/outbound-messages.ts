import type { Frame } from '../blocks/frames.ts'
import type { Connection } from '../connections/ports.ts'
import type { DeviceTopic } from '../../protocol/index.ts'
import type { Entitlement } from './entitlement.ts'

/** A message that is not readings: a device's presence, or what became of a command. `message` is JSON text. */
export type Push =
  | { readonly to: 'watchers'; readonly topic: DeviceTopic; readonly message: string }
  | {
      readonly to: 'connections'
      readonly connections: readonly Connection[]
      readonly message: string
    }

/** Everything that one connection gets of a batch. */
export interface OutboundMessages {
  readonly connectionId: string
  /** Epoch ms; undefined when nobody said. */
  readonly connectedAt: number | undefined
  /** What the right to send this rests on: all of them must still hold when a post begins. */
  readonly entitlements: readonly Entitlement[]
  /** Notices and pushes, as JSON text, before the frames. */
  readonly messages: readonly string[]
  readonly frames: readonly Frame[]
}
