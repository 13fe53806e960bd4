/**
 * Topic grammar of the WebSocket protocol.
 *
 * A device topic is `{site}/{device}`; a filter is a device topic, `{site}/#` (everything on a site) or `#` (everything).
 * Segments follow the thing-name rule of AWS IoT (`[a-zA-Z0-9:_-]`, at most 128 characters).
 */

const SEGMENT = /^[A-Za-z0-9:_-]{1,128}$/

/** `{site}/{device}`, for example `plant-1/pump-7`. */
export type DeviceTopic = `${string}/${string}`

/** A device topic, `{site}/#` or `#`. */
export type TopicFilter = string

export type ParsedTopicFilter =
  | { readonly kind: 'device'; readonly site: string; readonly device: string }
  | { readonly kind: 'site'; readonly site: string }
  | { readonly kind: 'fleet' }

/** True when `name` may be a site or a device id. */
export function isTopicSegment(name: string): boolean {
  return SEGMENT.test(name)
}

/** The parts of a filter, or `undefined` when it is not one of the three forms. */
export function parseTopicFilter(filter: string): ParsedTopicFilter | undefined {
  if (filter === '#') return { kind: 'fleet' }
  const slash = filter.indexOf('/')
  if (slash < 0) return undefined
  const site = filter.slice(0, slash)
  const device = filter.slice(slash + 1)
  if (!isTopicSegment(site)) return undefined
  if (device === '#') return { kind: 'site', site }
  return isTopicSegment(device) ? { kind: 'device', site, device } : undefined
}

/** True when `topic` is `{site}/{device}`. */
export function isDeviceTopic(topic: string): topic is DeviceTopic {
  return parseTopicFilter(topic)?.kind === 'device'
}

/** True when every device that `filter` matches is matched by `grant` too: the entitlement rule. */
export function topicCovers(grant: TopicFilter, filter: TopicFilter): boolean {
  if (grant === '#') return true
  const wanted = parseTopicFilter(filter)
  const given = parseTopicFilter(grant)
  if (!wanted || !given || wanted.kind === 'fleet') return false
  if (given.kind === 'site') return given.site === wanted.site
  return grant === filter
}

/** True when the device topic is one that the filter asks for. */
export function topicMatches(filter: TopicFilter, topic: DeviceTopic): boolean {
  return topicCovers(filter, topic)
}

/** True when at least one of the grants covers the filter. No grant, no access. */
export function isEntitled(grants: readonly TopicFilter[], filter: TopicFilter): boolean {
  return grants.some((grant) => topicCovers(grant, filter))
}
