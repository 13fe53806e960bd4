import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Where everything is, as `.gaugeline/endpoints.json` keeps it while the system runs. */
export interface Endpoints {
  readonly dashboard: string
  /** Stage included. */
  readonly websocket: string
  /** Stage included: the endpoint of `@connections`. */
  readonly management: string
  readonly mqtt: string
  readonly iotData: string
  /** One endpoint for every emulated AWS API. */
  readonly aws: string
  readonly issuer: string
  readonly jwks: string
  readonly region: string
  readonly account: string
  readonly stackName: string
  /** Logical name → table name. */
  readonly tables: Readonly<Record<string, string>>
  /** Logical name → function name. */
  readonly functions: Readonly<Record<string, string>>
}

export const ENDPOINTS_FILE = 'endpoints.json'

/** Writes the file so that a reader sees all of it or nothing. */
export async function writeEndpoints(stateDir: string, endpoints: Endpoints): Promise<void> {
  await mkdir(stateDir, { recursive: true })
  const file = path.join(stateDir, ENDPOINTS_FILE)
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, `${JSON.stringify(endpoints, null, 2)}\n`)
  await rename(temporary, file)
}

export async function removeEndpoints(stateDir: string): Promise<void> {
  await rm(path.join(stateDir, ENDPOINTS_FILE), { force: true })
}
