import { AwsError } from '../../platform/errors.ts'

export interface LogEvent {
  /** Rises with each event of the service, so that it orders and identifies. */
  readonly id: number
  readonly stream: string
  readonly message: string
  readonly timestampMs: number
  readonly ingestedMs: number
}

export interface LogGroup {
  readonly name: string
  readonly createdMs: number
  retentionDays: number | undefined
  /** The tail: the newest events within {@link MAX_EVENTS} and {@link MAX_BYTES}, oldest first. */
  readonly events: LogEvent[]
  readonly streams: Map<string, LogStream>
  storedBytes: number
}

export interface LogStream {
  readonly name: string
  readonly createdMs: number
  firstEventMs: number
  lastEventMs: number
}

const MAX_EVENTS = 10_000
const MAX_BYTES = 8 * 1024 * 1024
/** What CloudWatch adds to each event's size. */
const EVENT_OVERHEAD_BYTES = 26
const TRIM_AT = 1.25
const MAX_STREAMS = 1000

/** The groups in memory. */
export interface LogGroups {
  /** The group, made when it is missing. */
  ensure(name: string, nowMs: number): LogGroup
  find(name: string): LogGroup | undefined
  /** Throws AwsError `ResourceNotFoundException`. */
  get(name: string): LogGroup
  remove(name: string): void
  list(): readonly LogGroup[]
}

export function logGroups(): LogGroups {
  const groups = new Map<string, LogGroup>()
  return {
    ensure(name, nowMs) {
      let group = groups.get(name)
      if (!group) {
        group = {
          name,
          createdMs: nowMs,
          retentionDays: undefined,
          events: [],
          streams: new Map(),
          storedBytes: 0,
        }
        groups.set(name, group)
      }
      return group
    },
    find: (name) => groups.get(name),
    get(name) {
      const group = groups.get(name)
      if (group) return group
      throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.')
    },
    remove(name) {
      groups.delete(name)
    },
    list: () => [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** Appends an event and cuts the tail when it is a quarter too long, so that a cut is rare. */
export function append(group: LogGroup, event: LogEvent): void {
  group.events.push(event)
  group.storedBytes += sizeOf(event)
  touchStream(group, event)
  if (group.events.length > MAX_EVENTS * TRIM_AT || group.storedBytes > MAX_BYTES * TRIM_AT)
    trim(group)
}

/** Removes what is older than the group's retention. */
export function expire(group: LogGroup, nowMs: number): void {
  if (group.retentionDays === undefined) return
  const oldest = nowMs - group.retentionDays * 86_400_000
  const kept = group.events.findIndex((event) => event.timestampMs >= oldest)
  drop(group, kept < 0 ? group.events.length : kept)
}

function touchStream(group: LogGroup, event: LogEvent): void {
  const stream = group.streams.get(event.stream)
  if (stream) {
    stream.lastEventMs = Math.max(stream.lastEventMs, event.timestampMs)
    return
  }
  if (group.streams.size >= MAX_STREAMS) {
    const [oldest] = group.streams.keys()
    if (oldest !== undefined) group.streams.delete(oldest)
  }
  group.streams.set(event.stream, {
    name: event.stream,
    createdMs: event.ingestedMs,
    firstEventMs: event.timestampMs,
    lastEventMs: event.timestampMs,
  })
}

function trim(group: LogGroup): void {
  let bytes = group.storedBytes
  let count = 0
  for (const event of group.events) {
    if (group.events.length - count <= MAX_EVENTS && bytes <= MAX_BYTES) break
    bytes -= sizeOf(event)
    count++
  }
  drop(group, count)
}

function drop(group: LogGroup, count: number): void {
  for (const event of group.events.splice(0, count)) group.storedBytes -= sizeOf(event)
}

function sizeOf(event: LogEvent): number {
  return event.message.length + EVENT_OVERHEAD_BYTES
}
