import { UsageError } from '../errors.ts'
import type { Login } from '../transport/mqtt-link.ts'
import type { RunFlags } from './flags.ts'
import { readEndpoints } from './local-state.ts'
import type { Terminal } from './terminal.ts'

/** Where to connect and as whom. */
export interface Broker {
  /** Without credentials: it is printed and reported. */
  readonly url: string
  /** Undefined: each device is itself (`thing:{site}/{device}`), or nobody with `--anonymous`. */
  readonly login?: Login | undefined
}

/**
 * The broker of the flags or of the running `npm start`. A password comes from `--password`, from the URL or, best, from the environment variable
 * `GAUGELINE_MQTT_PASSWORD`, and is never printed. Throws {@link UsageError}.
 */
export function brokerOf(flags: RunFlags, { password }: Pick<Terminal, 'password'>): Broker {
  const instead = 'name a broker with --mqtt mqtt://host:1883'
  const {
    url,
    username: inUrl,
    password: secretInUrl,
  } = splitUrl(flags.mqtt ?? readEndpoints(flags.stateDir, { instead }).mqtt)
  const username = flags.username ?? inUrl
  const secret = flags.password ?? secretInUrl ?? password
  if (username === undefined) {
    if (flags.password === undefined) return { url }
    throw new UsageError('--password needs --username; give both')
  }
  return { url, login: { username, ...(secret !== undefined && { password: secret }) } }
}

function splitUrl(text: string): { url: string; username?: string; password?: string } {
  const match = /^(\w+:\/\/)([^/@]*)@(.*)$/.exec(text)
  const [, scheme = '', credentials = '', rest = ''] = match ?? []
  if (!match) return { url: text }
  const colon = credentials.indexOf(':')
  const username = colon === -1 ? credentials : credentials.slice(0, colon)
  return {
    url: scheme + rest,
    username: decoded(username),
    ...(colon === -1 ? {} : { password: decoded(credentials.slice(colon + 1)) }),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
