import { isDeviceTopic, type DeviceTopic } from '../../protocol/index.ts'
import type { Audiences } from '../fanout/ports.ts'
import type { Subscriptions } from '../subscriptions/ports.ts'
import { countSubscribers } from './count-subscribers.ts'
import type { SubscriberCountPorts } from './ports.ts'
import { createPublishCounts, DEVICES_AT_ONCE } from './publish-counts.ts'

interface AnnouncingPorts extends SubscriberCountPorts {
  readonly audiences: Pick<Audiences, 'load'>
}

/**
 * Subscriptions whose changes are told to the devices that they name, at once: one that has slowed down would be heard only at its next
 * reading. Those that a wildcard means hear of it with `deliver`'s next batch. A change never fails because of it.
 */
export function announcingSubscriptions(
  subscriptions: Subscriptions,
  { audiences, ...ports }: AnnouncingPorts,
): Subscriptions {
  const { clock, log } = ports
  const publish = createPublishCounts(ports)
  const announce = async (topics: readonly DeviceTopic[]): Promise<void> => {
    const asOfMs = clock.now()
    try {
      const audience = await audiences.load(topics)
      const watchers = new Map(topics.map((one) => [one, countSubscribers(one, audience, asOfMs)]))
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
      if (devices.length > 0) await announce(devices)
    },
  }
}
