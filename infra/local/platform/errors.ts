/**
 * A failure as an AWS API reports it. `code` is the documented error name (`ResourceNotFoundException`), `status` the HTTP status.
 * The front turns it into the protocol's error shape.
 */
export class AwsError extends Error {
  readonly code: string
  readonly status: number
  readonly extra: Readonly<Record<string, unknown>>

  constructor(
    code: string,
    message: string,
    options: { status?: number; extra?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'AwsError'
    this.code = code
    this.status = options.status ?? 400
    this.extra = options.extra ?? {}
  }
}

/**
 * A reason not to start, for a person: one line that names the value, the rule and the way out. Printed without a stack.
 */
export class StartError extends Error {
  readonly code: string

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'StartError'
    this.code = code
  }
}
