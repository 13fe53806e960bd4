import { useRoute, useRouter } from 'vue-router'

/** The part of the view that is kept in the URL, so that a link shows the same. */
export interface Query {
  /** The value of a name; empty without one. */
  get(name: string): string
  /** Changes some names in place; undefined or empty takes one away. */
  set(change: Readonly<Record<string, string | undefined>>): void
}

export function useQuery(): Query {
  const route = useRoute()
  const router = useRouter()
  return {
    get(name) {
      const value = route.query[name]
      return typeof value === 'string' ? value : ''
    },
    set(change) {
      const next = Object.entries({ ...route.query, ...change }).filter(([, value]) => value)
      void router.replace({ query: Object.fromEntries(next) })
    },
  }
}
