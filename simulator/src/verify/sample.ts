import { limits } from '@gaugeline/backend/protocol'
import { randomFor } from '../random.ts'
import type { Scenario } from '../scenario/schema.ts'
import { countOf, deviceIds, deviceTotal } from '../scenario/shape.ts'

/** The topics of the devices that are watched: chosen by the seed, at least one, at most what one connection may subscribe. */
export function sampleTopics(scenario: Scenario): string[] {
  const random = randomFor(scenario.seed, 'verify')
  const count = countOf(scenario.verify?.sample ?? 0, deviceTotal(scenario))
  return Object.values(scenario.fleets)
    .flatMap((fleet) => deviceIds(fleet).map((id) => `${fleet.site}/${id}`))
    .map((topic) => ({ topic, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, Math.min(limits.subscriptionsPerConnection, Math.max(1, count)))
    .map(({ topic }) => topic)
}
