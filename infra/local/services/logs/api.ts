import { AwsError } from '../../platform/errors.ts'
import type { Fields } from '../../platform/fields.ts'
import { jsonApi } from '../../platform/json-api.ts'
import type { Account, ApiHandler, ApiRequest, Authorization } from '../../platform/types.ts'
import { readFilterPattern } from './filter-pattern.ts'
import type { LogEvent, LogGroup, LogGroups } from './log-groups.ts'

interface ApiOptions {
  readonly account: Account
  readonly authorization: Authorization
  readonly groups: LogGroups
}

const PAGE = 50
const EVENT_PAGE = 10_000

/** The reading operations of CloudWatch Logs, for the AWS CLI and the SDK. */
export function logsApi({ account, authorization, groups }: ApiOptions): ApiHandler {
  const arnOf = (name: string): string =>
    `arn:aws:logs:${account.region}:${account.accountId}:log-group:${name}:*`
  const allow = (request: ApiRequest, action: string, name: string): void => {
    authorization.check(request.principal, `logs:${action}`, arnOf(name))
  }
  return jsonApi(
    ['logs'],
    {
      DescribeLogGroups(input, request) {
        allow(request, 'DescribeLogGroups', '*')
        const prefix = input.optionalText('logGroupNamePrefix') ?? ''
        const part = input.optionalText('logGroupNamePattern') ?? ''
        const found = groups
          .list()
          .filter((group) => group.name.startsWith(prefix) && group.name.includes(part))
        const { items, nextToken } = page(found, input, PAGE)
        return {
          logGroups: items.map((group) => describeGroup(group, arnOf(group.name))),
          nextToken,
        }
      },
      DescribeLogStreams(input, request) {
        const group = groupOf(input, groups)
        allow(request, 'DescribeLogStreams', group.name)
        const { items, nextToken } = page(streamsOf(group, input), input, PAGE)
        return { logStreams: items, nextToken }
      },
      FilterLogEvents(input, request) {
        const group = groupOf(input, groups)
        allow(request, 'FilterLogEvents', group.name)
        const pattern = readFilterPattern(input.optionalText('filterPattern') ?? '')
        const streams = input.texts('logStreamNames')
        const prefix = input.optionalText('logStreamNamePrefix') ?? ''
        const found = between(group.events, input).filter(
          (event) =>
            (streams.length === 0 || streams.includes(event.stream)) &&
            event.stream.startsWith(prefix) &&
            pattern.matches(event.message),
        )
        const { items, nextToken } = page(found, input, EVENT_PAGE)
        return { events: items.map(describeFiltered), searchedLogStreams: [], nextToken }
      },
      GetLogEvents(input, request) {
        const group = groupOf(input, groups)
        allow(request, 'GetLogEvents', group.name)
        return getLogEvents(group, input)
      },
    },
    'InvalidParameterException',
  )
}

function groupOf(input: Fields, groups: LogGroups): LogGroup {
  const identifier = input.optionalText('logGroupIdentifier')
  const name =
    input.optionalText('logGroupName') ??
    identifier?.replace(/^arn:.*:log-group:/, '').replace(/:\*$/, '')
  if (name === undefined) throw new AwsError('InvalidParameterException', 'logGroupName is missing')
  return groups.get(name)
}

function describeGroup(group: LogGroup, arn: string): object {
  return {
    logGroupName: group.name,
    creationTime: group.createdMs,
    ...(group.retentionDays === undefined ? {} : { retentionInDays: group.retentionDays }),
    metricFilterCount: 0,
    arn,
    logGroupArn: arn.slice(0, -2),
    storedBytes: group.storedBytes,
    logGroupClass: 'STANDARD',
  }
}

function streamsOf(group: LogGroup, input: Fields): readonly object[] {
  const prefix = input.optionalText('logStreamNamePrefix') ?? ''
  const byTime = input.optionalText('orderBy') === 'LastEventTime'
  const streams = [...group.streams.values()]
    .filter((stream) => stream.name.startsWith(prefix))
    .sort((a, b) => (byTime ? a.lastEventMs - b.lastEventMs : a.name < b.name ? -1 : 1))
  if (input.optionalBoolean('descending') === true) streams.reverse()
  return streams.map((stream) => ({
    logStreamName: stream.name,
    creationTime: stream.createdMs,
    firstEventTimestamp: stream.firstEventMs,
    lastEventTimestamp: stream.lastEventMs,
    lastIngestionTime: stream.lastEventMs,
    storedBytes: 0,
  }))
}

/** `startTime` is included; `endTime` is not. */
function between(events: readonly LogEvent[], input: Fields): readonly LogEvent[] {
  const start = input.optionalInteger('startTime') ?? 0
  const end = input.optionalInteger('endTime') ?? Number.POSITIVE_INFINITY
  return events.filter((event) => event.timestampMs >= start && event.timestampMs < end)
}

function describeFiltered(event: LogEvent): object {
  return {
    logStreamName: event.stream,
    timestamp: event.timestampMs,
    message: event.message,
    ingestionTime: event.ingestedMs,
    eventId: String(event.id).padStart(56, '0'),
  }
}

/** From the newest events back unless `startFromHead`; the tokens are `f/{id}` and `b/{id}`: after and before an event. */
function getLogEvents(group: LogGroup, input: Fields): object {
  const stream = input.text('logStreamName')
  if (!group.streams.has(stream)) {
    throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.')
  }
  const limit = input.optionalInteger('limit') ?? EVENT_PAGE
  const events = between(group.events, input).filter((event) => event.stream === stream)
  const [direction, idText] = (input.optionalText('nextToken') ?? '').split('/')
  const id = Number(idText ?? 0)
  const forward =
    direction === 'f' || (direction === '' && input.optionalBoolean('startFromHead') === true)
  const candidates =
    direction === 'f'
      ? events.filter((event) => event.id > id)
      : direction === 'b'
        ? events.filter((event) => event.id < id)
        : events
  const found = forward ? candidates.slice(0, limit) : candidates.slice(-limit)
  const first = found[0]?.id ?? id
  const last = found.at(-1)?.id ?? id
  return {
    events: found.map((event) => ({
      timestamp: event.timestampMs,
      message: event.message,
      ingestionTime: event.ingestedMs,
    })),
    nextForwardToken: `f/${last}`,
    nextBackwardToken: `b/${first}`,
  }
}

function page<T>(
  all: readonly T[],
  input: Fields,
  most: number,
): { readonly items: readonly T[]; readonly nextToken: string | undefined } {
  const start = Number(input.optionalText('nextToken') ?? 0)
  if (!Number.isInteger(start) || start < 0) {
    throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.')
  }
  const end = start + Math.min(most, input.optionalInteger('limit') ?? most)
  return { items: all.slice(start, end), nextToken: end < all.length ? String(end) : undefined }
}
