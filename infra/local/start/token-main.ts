import { runToken } from './token.ts'

/** The process around {@link runToken}. */
export function main(args: readonly string[]): Promise<number> {
  return runToken(args, {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  })
}
