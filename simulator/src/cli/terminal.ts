/** What a command line has to do with the world. */
export interface Terminal {
  /** Results. */
  readonly out: (text: string) => void
  /** Everything for people. */
  readonly err: (text: string) => void
  /** Ends a run before its time, with its report. */
  readonly signal: AbortSignal
  /** The report now: goodbyes and what is under way are not waited for. */
  readonly hurry?: AbortSignal
  /** Where relative paths count from. */
  readonly directory: string
  /** Width of the terminal that `err` goes to; undefined when it is none. */
  readonly columns?: number | undefined
  /** Whether `out` goes to a terminal that shows colours. */
  readonly hasColour?: boolean
  /** A bearer token for `verify`, kept out of the command line. */
  readonly token?: string | undefined
  /** The password of `--username`, kept out of the command line. */
  readonly password?: string | undefined
}
