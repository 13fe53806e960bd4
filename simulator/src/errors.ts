/** A mistake in what was typed or written: one sentence with the value, the rule and the way out. Exit code 2, no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The broker cannot be reached or refuses. Exit code 3, no stack. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError'
}
