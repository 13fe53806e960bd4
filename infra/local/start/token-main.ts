import { runToken } from './token.ts'

/** The process around {@link runToken}. */
export async function main(args: readonly string[]): Promise<number> {
  const code = await runToken(args, {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  })
  if (code === 0 && isBehindBanner()) {
    process.stderr.write(
      "npm run token: npm has printed its own lines to stdout before the token; 'npm run -s token -- …' gives the token alone\n",
    )
  }
  return code
}

/** npm announces a script on stdout unless it was told `-s`; that matters to who captures it. */
function isBehindBanner(): boolean {
  const { npm_lifecycle_event: script, npm_config_loglevel: level } = process.env
  return script !== undefined && level !== 'silent' && !process.stdout.isTTY
}
