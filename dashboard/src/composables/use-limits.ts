import { computed } from 'vue'
import { type Limits, noLimits, parseLimits, writeLimits } from '../chart/limits.ts'
import { useQuery } from './use-query.ts'

/** The limits that a person has drawn on the charts; kept in the URL as `limits`, so that a link shows them too. */
export function useLimits(): {
  /** Those of a metric; {@link noLimits} without any. */
  readonly of: (metric: string) => Limits
  readonly set: (metric: string, limits: Limits) => void
} {
  const query = useQuery()
  const all = computed(() => parseLimits(query.get('limits')))
  return {
    of: (metric) => all.value.get(metric) ?? noLimits,
    set: (metric, limits) => {
      query.set({ limits: writeLimits(new Map([...all.value, [metric, limits]])) })
    },
  }
}
