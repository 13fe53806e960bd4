import type Provider from 'oidc-provider'

/**
 * The library's class. It runs on every Node we support but says on Node 20, while it is being loaded, that it wants 22; that one
 * line is none of the reader's business.
 */
export async function loadOidcProvider(): Promise<typeof Provider> {
  const { warn } = console
  console.warn = (...message: unknown[]) => {
    if (!String(message[0]).includes('Unsupported runtime')) warn.apply(console, message)
  }
  try {
    return (await import('oidc-provider')).default
  } finally {
    console.warn = warn
  }
}
