/** A mistake in what was typed or written: one sentence with the value, the rule and the way out. Exit code 2, no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
