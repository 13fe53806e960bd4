import { isDeviceTopic, type DeviceTopic } from '../../protocol/index.ts'
import type { Audiences } from '../delivery/ports.ts'
import type { Subscriptions } from '../subscriptions/ports.ts'
import { countWatchers } from './count-subscribers.ts'
import type { DemandPorts } from './ports.ts'
import { createPublishDemand, DEVICES_AT_ONCE } from './publish-counts.ts'

interface TellingPorts extends DemandPorts {
  readonly audiences: Pick<Audiences, 'load'>
}

/**
 * Subscriptions whose changes are told to the devices that they name, at once: one that has slowed down would be heard only at its next
 * reading. Those that a wildcard means hear of it with `deliver`'s next batch. A change never fails because of it.
 */
export function tellingSubscriptions(
  subscriptions: Subscriptions,
  { audiences, ...ports }: TellingPorts,
): Subscriptions {
  const { clock, log } = ports
  const publish = createPublishDemand(ports)
  const tell = async (topics: readonly DeviceTopic[]): Promise<void> => {
    const asOfMs = clock.now()
    try {
      const audience = await audiences.load(topics)
      const watchers = new Map(topics.map((one) => [one, countWatchers(one, audience, asOfMs)]))
      await publish({ watchers, asOfMs })
    } catch (error) {
      log.warn('who watches could not be read, devices are told later', {}, error)
    }
  }
  return {
    ...subscriptions,
    async bump(topics) {
      await subscriptions.bump(topics)
      const devices = [...new Set(topics.filter(isDeviceTopic))].slice(0, DEVICES_AT_ONCE)
      if (devices.length > 0) await tell(devices)
    },
  }
}
