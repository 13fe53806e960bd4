/** What a command line has to do with the world. */
export interface Terminal {
  /** Results. */
  readonly out: (text: string) => void
  /** Everything for people. */
  readonly err: (text: string) => void
  readonly signal: AbortSignal
  /** Where relative paths count from. */
  readonly directory: string
  /** Width of the terminal that `err` goes to; undefined when it is none. */
  readonly columns?: number | undefined
  /** Whether `out` goes to a terminal that shows colours. */
  readonly hasColour?: boolean
  /** A bearer token for `verify`, kept out of the command line. */
  readonly token?: string | undefined
}
