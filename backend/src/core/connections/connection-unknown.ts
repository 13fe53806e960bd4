import { ProtocolError } from '../../protocol/index.ts'

/** To a message whose connection has no row, or no longer: its socket is closed, or about to be. */
export function connectionUnknown(): ProtocolError {
  return new ProtocolError(
    'CONNECTION_UNKNOWN',
    'This connection is no longer known; open a new one and resume.',
  )
}
