import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { UsageError } from '../errors.ts'
import type { RunFlags } from './flags.ts'

/** One context for all devices: each would otherwise parse the certificates again and keep its own. */
export function secureContextOf(
  { ca, cert, key }: RunFlags,
  { url, directory }: { readonly url: string; readonly directory: string },
): SecureContext | undefined {
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--cert and --key belong together; give both or none')
  }
  if (!/^(mqtts|wss):/.test(url)) return undefined
  const read = (path: string | undefined, flag: string): { [key: string]: Buffer } => {
    if (path === undefined) return {}
    try {
      return { [flag]: readFileSync(resolve(directory, path)) }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
      throw new UsageError(
        `--${flag} ${path}: cannot be read (${code}); give the path of a PEM file`,
      )
    }
  }
  try {
    return createSecureContext({ ...read(ca, 'ca'), ...read(cert, 'cert'), ...read(key, 'key') })
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(
      `--ca, --cert and --key are not usable (${(error as Error).message}); give PEM files that belong together`,
    )
  }
}
