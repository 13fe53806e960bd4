/**
 * What Route 53 does in the cloud: tells where a host name of the template is served on this machine. The template keeps its cloud
 * addresses (`https://{api}.execute-api.eu-west-1.amazonaws.com`); just before a provider gets a property, names known here are
 * replaced, and the scheme becomes the plain one.
 */
export interface HostMap {
  /** `host` as the template says it (no scheme); `address`: `127.0.0.1:PORT`, optionally with a path in front of every path. */
  add(host: string, address: string): void
  /** The same text with every known host name replaced: `https://host` → `http://address`, `wss://host` → `ws://address`. */
  rewrite(text: string): string
}

const plainScheme: Readonly<Record<string, string>> = { https: 'http', wss: 'ws' }

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** An empty map; services add their hosts when they have a port. */
export function createHostMap(): HostMap {
  const addresses = new Map<string, string>()
  let pattern: RegExp | undefined
  return {
    add(host, address) {
      addresses.set(host.toLowerCase(), address)
      // The longest name first, so that `a.b.example` is not taken for `b.example`.
      const names = [...addresses.keys()].sort((a, b) => b.length - a.length).map(escaped)
      pattern = new RegExp(
        `(?:(https|wss|http|ws)://)?(?<![A-Za-z0-9.-])(${names.join('|')})(?![A-Za-z0-9-]|\\.[A-Za-z0-9])(?::443)?`,
        'gi',
      )
    },
    rewrite(text) {
      if (!pattern) return text
      return text.replace(pattern, (whole, scheme: string | undefined, host: string) => {
        const address = addresses.get(host.toLowerCase()) ?? whole
        if (scheme === undefined) return address
        return `${plainScheme[scheme.toLowerCase()] ?? scheme}://${address}`
      })
    },
  }
}
