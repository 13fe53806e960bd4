import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isRecord } from '../template/template.ts'
import type { Endpoints } from './endpoints.ts'
import { requireFreePort } from './ports.ts'

/** Ports that nobody chooses with a flag. */
export interface RememberedPorts {
  readonly gateway: number
  readonly issuer: number
}

const FILE = 'ports.json'

async function freeOrAny(port: unknown): Promise<number> {
  if (typeof port !== 'number') return 0
  const isFree = await requireFreePort(port, { what: 'the last start', flag: '' }).then(
    () => true,
    () => false,
  )
  return isFree ? port : 0
}

/**
 * The ports of the last start, so that a dashboard left open finds its sockets again after a restart; 0 (any) for one that is
 * taken or was never known.
 */
export async function rememberedPorts(stateDir: string): Promise<RememberedPorts> {
  const text = await readFile(path.join(stateDir, FILE), 'utf8').catch(() => '{}')
  let kept: unknown
  try {
    kept = JSON.parse(text)
  } catch {
    // Torn by a crash: as good as none.
  }
  const { gateway, issuer } = isRecord(kept) ? kept : {}
  return { gateway: await freeOrAny(gateway), issuer: await freeOrAny(issuer) }
}

/** Keeps the ports for the next start. */
export async function rememberPorts(stateDir: string, endpoints: Endpoints): Promise<void> {
  const portOf = (url: string): number | undefined =>
    URL.canParse(url) ? Number(new URL(url).port) : undefined
  const ports = { gateway: portOf(endpoints.websocket), issuer: portOf(endpoints.issuer) }
  await writeFile(path.join(stateDir, FILE), JSON.stringify(ports))
}
