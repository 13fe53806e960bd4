import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { StartError } from '../platform/errors.ts'
import { ENDPOINTS_FILE } from './endpoints.ts'
import type { Endpoints } from './endpoints.ts'
import { LOCAL_KEY_FILE } from './local-key.ts'
import type { Terminal } from './terminal.ts'

interface Flags {
  readonly user: string
  readonly role: string
  readonly devices: string
  readonly expires: number
  readonly stateDir: string
  readonly json: boolean
}

const roles = ['viewer', 'operator', 'admin']

function role(text: string): string {
  if (roles.includes(text)) return text
  throw new InvalidArgumentError(`roles are ${roles.join(', ')}.`)
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }

/** `90s`, `15m`, `1h` → seconds, one second to one day as Cognito allows for access tokens. */
function lifetime(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([smh])$/.exec(text) ?? []
  const seconds = Number(digits) * (unitSeconds[unit] ?? Number.NaN)
  if (seconds >= 1 && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('a lifetime is 90s, 15m or 1h, up to 24h.')
}

function command(terminal: Terminal): Command {
  return new Command('npm run token --')
    .description('Prints a JWT of the running local issuer')
    .requiredOption('--user <name>', 'whose token')
    .option('--role <role>', roles.join(', '), role, 'viewer')
    .option('--devices <topics>', "what it may see, for example 'plant-1/#,plant-2/pump-1'", '')
    .option('--expires <time>', 'lifetime: 90s, 15m, 1h', lifetime, 3_600)
    .option('--state-dir <dir>', 'the --state-dir of npm start', '.gaugeline')
    .option('--json', 'print the token with its facts as JSON', false)
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        terminal.out(text)
      },
      writeErr: (text) => {
        terminal.err(text)
      },
    })
}

async function readState(stateDir: string, file: string): Promise<string> {
  try {
    return await readFile(path.resolve(stateDir, file), 'utf8')
  } catch (cause) {
    throw new StartError(
      'NOT_RUNNING',
      `nothing runs: there is no ${path.join(stateDir, file)}; start it with npm start`,
      { cause },
    )
  }
}

async function mint(flags: Flags): Promise<string> {
  const { issuer } = JSON.parse(await readState(flags.stateDir, ENDPOINTS_FILE)) as Endpoints
  const key = await readState(flags.stateDir, LOCAL_KEY_FILE)
  let response: Response
  try {
    response = await fetch(`${issuer}/local/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-gaugeline-key': key },
      body: JSON.stringify({
        user: flags.user,
        roles: [flags.role],
        devices: flags.devices.split(',').filter(Boolean),
        expiresIn: flags.expires,
      }),
    })
  } catch (cause) {
    throw new StartError(
      'NOT_RUNNING',
      `the issuer ${issuer} does not answer; start it again with npm start`,
      { cause },
    )
  }
  const text = await response.text()
  if (!response.ok) {
    throw new StartError('TOKEN_REFUSED', `the issuer refused (${response.status}): ${text}`)
  }
  return (JSON.parse(text) as { token: string }).token
}

/** Runs one command line: the token on stdout. Returns the exit code: 0, 1 (nothing runs, refused) or 2 (usage). */
export async function runToken(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const flags = command(terminal)
      .parse([...args], { from: 'user' })
      .opts<Flags>()
    const token = await mint(flags)
    const { user, role: itsRole, devices, expires } = flags
    terminal.out(
      flags.json
        ? `${JSON.stringify({ token, user, role: itsRole, devices: devices.split(',').filter(Boolean), expiresIn: expires })}\n`
        : `${token}\n`,
    )
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!(error instanceof StartError)) throw error
    terminal.err(`npm run token: ${error.message}\n`)
    return 1
  }
}
