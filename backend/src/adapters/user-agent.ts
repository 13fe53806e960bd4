/** What every SDK client has of its middleware stack. */
interface Client {
  readonly middlewareStack: { remove(name: string): boolean }
}

/**
 * Takes the user agent off a client's requests, which the SDK composes anew for each: about a sixth of what a request costs this side
 * (docs/performance.md). Nothing of AWS's needs it. Throws when the SDK no longer has the step under this name.
 */
export function withoutUserAgent<C extends Client>(client: C): C {
  if (!client.middlewareStack.remove('getUserAgentMiddleware')) {
    throw new TypeError('the SDK has no getUserAgentMiddleware any more: look for its new name')
  }
  return client
}
