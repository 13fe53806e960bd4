import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  readonly payload: AdapterPayload
  /** Epoch ms. */
  readonly expiresAt: number
}

/** Above this many entries expired ones are thrown out. */
const SWEEP_AT = 5_000

/**
 * Where the OIDC library keeps sessions, codes and refresh tokens: in memory, shared by the providers made one after another
 * when keys rotate. Uses the machine's clock, as the library does for everything it stores.
 */
export function createOidcStore(): AdapterFactory {
  const entries = new Map<string, Entry>()
  const find = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key)
    if (entry && entry.expiresAt > Date.now()) return entry.payload
    entries.delete(key)
    return undefined
  }
  const sweep = (): void => {
    if (entries.size < SWEEP_AT) return
    for (const key of entries.keys()) find(key)
  }
  return (model) => createAdapter(`${model}:`, { entries, find, sweep })
}

function createAdapter(
  prefix: string,
  store: {
    readonly entries: Map<string, Entry>
    readonly find: (key: string) => AdapterPayload | undefined
    readonly sweep: () => void
  },
): Adapter {
  const matching = (matches: (payload: AdapterPayload) => boolean): string[] =>
    [...store.entries]
      .filter(([key, { payload }]) => key.startsWith(prefix) && matches(payload))
      .map(([key]) => key)
  const findBy = (matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
    const [key] = matching(matches)
    return key === undefined ? undefined : store.find(key)
  }
  return {
    upsert(id, payload, expiresIn = Number.POSITIVE_INFINITY) {
      store.sweep()
      store.entries.set(prefix + id, { payload, expiresAt: Date.now() + expiresIn * 1_000 })
      return Promise.resolve()
    },
    find: (id) => Promise.resolve(store.find(prefix + id)),
    findByUid: (uid) => Promise.resolve(findBy((payload) => payload.uid === uid)),
    findByUserCode: (code) => Promise.resolve(findBy((payload) => payload.userCode === code)),
    consume(id) {
      const payload = store.find(prefix + id)
      if (payload) payload.consumed = Math.floor(Date.now() / 1_000)
      return Promise.resolve()
    },
    destroy(id) {
      store.entries.delete(prefix + id)
      return Promise.resolve()
    },
    revokeByGrantId(grantId) {
      for (const key of matching((payload) => payload.grantId === grantId))
        store.entries.delete(key)
      return Promise.resolve()
    },
  }
}
