import { createServer } from 'node:net'
import { StartError } from '../platform/errors.ts'

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'needs more rights than you have',
}

/**
 * Asks for a port before the long work starts, so that a busy one is told at once. 0 is always free. Throws StartError
 * `PORT_UNAVAILABLE`: which port, what for, which flag, the way out.
 */
export function requireFreePort(
  port: number,
  { what, flag }: { readonly what: string; readonly flag: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = reasons[cause.code ?? ''] ?? `cannot be opened (${cause.message})`
      reject(
        new StartError(
          'PORT_UNAVAILABLE',
          `port ${port} for ${what} ${reason}: choose another one with ${flag} N, or any free one with ${flag} 0`,
          { cause },
        ),
      )
    })
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve()
      })
    })
  })
}
