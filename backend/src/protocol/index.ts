export * from './characters.ts'
export * from './client-messages.ts'
export * from './command-args.ts'
export * from './errors.ts'
export * from './holes.ts'
export * from './limits.ts'
export * from './position.ts'
export * from './server-messages.ts'
export * from './telemetry.ts'
export * from './topic.ts'

/** The subprotocol the server answers with; the client also offers `bearer.<jwt>`, which is never echoed. */
export const SUBPROTOCOL = 'gaugeline.v1'
export const BEARER_PREFIX = 'bearer.'
