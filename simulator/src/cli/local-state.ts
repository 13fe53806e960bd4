import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from '../errors.ts'

/** What `npm start` keeps about itself while it runs, as much as devices and subscribers need. */
export interface LocalEndpoints {
  readonly mqtt: string
  readonly websocket: string
  readonly issuer: string
}

/** Reads the endpoints file of a running `npm start`, which counts its paths as `npm run token` does. Throws {@link UsageError} when there is none. */
export function readEndpoints(
  stateDir: string,
  { instead }: { readonly instead: string },
): LocalEndpoints {
  const text = readState(stateDir, 'endpoints.json')
  if (text === undefined) {
    throw new UsageError(
      `nothing runs here: there is no ${join(stateDir, 'endpoints.json')}; start the system with npm start, or ${instead}`,
    )
  }
  return JSON.parse(text) as LocalEndpoints
}

/** The key with which the local issuer may be asked for a token; undefined when nothing runs. */
export function readLocalKey(stateDir: string): string | undefined {
  return readState(stateDir, 'local.key')
}

function readState(stateDir: string, file: string): string | undefined {
  try {
    return readFileSync(resolve(stateDir, file), 'utf8')
  } catch {
    return undefined
  }
}
