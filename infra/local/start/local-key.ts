import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

export const LOCAL_KEY_FILE = 'local.key'

/**
 * Makes the key that only this machine's user can read, and with which `npm run token` may ask the local issuer for a token. A
 * new one at each start.
 */
export async function writeLocalKey(stateDir: string): Promise<string> {
  const key = randomBytes(32).toString('base64url')
  const file = path.join(stateDir, LOCAL_KEY_FILE)
  await mkdir(stateDir, { recursive: true })
  await rm(file, { force: true })
  await writeFile(file, key, { mode: 0o600 })
  return key
}

export async function removeLocalKey(stateDir: string): Promise<void> {
  await rm(path.join(stateDir, LOCAL_KEY_FILE), { force: true })
}
