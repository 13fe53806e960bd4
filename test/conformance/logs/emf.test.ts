import { beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { ManualClock } from '../../../infra/local/platform/clock.ts'
import type { ApiRequest, MetricDatum } from '../../../infra/local/platform/types.ts'
import { createLogs } from '../../../infra/local/services/logs/index.ts'
import type { Logs } from '../../../infra/local/services/logs/index.ts'

const GROUP = '/aws/lambda/deliver'
const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }

describe('metrics from log lines', () => {
  let clock: ManualClock
  let logs: Logs
  let metrics: MetricDatum[]

  beforeEach(() => {
    clock = manualClock()
    metrics = []
    logs = createLogs({
      clock,
      account,
      metrics: { put: (datum) => metrics.push(datum) },
      authorization: {
        check: () => undefined,
        isAllowed: () => true,
        credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
      },
    })
  })

  const write = (message: string): void => {
    logs.write({ group: GROUP, stream: 's', message, timestampMs: clock.now() })
  }
  const document = (overrides: object = {}, directive: object = {}): Record<string, unknown> => ({
    _aws: {
      Timestamp: clock.now(),
      CloudWatchMetrics: [
        {
          Namespace: 'Shop',
          Dimensions: [['service']],
          Metrics: [{ Name: 'Orders', Unit: 'Count' }],
          ...directive,
        },
      ],
    },
    service: 'till',
    Orders: 3,
    ...overrides,
  })
  const published = (): MetricDatum[] => metrics.filter((datum) => datum.namespace === 'Shop')
  const failures = (name: string): number =>
    metrics.filter((datum) => datum.namespace === 'AWS/Logs' && datum.name === name).length

  it('EMF-1, EMF-5, EMF-9: a document publishes its metrics with dimensions, unit and a resolution of 60 s', () => {
    write(JSON.stringify(document()))
    expect(published()).toEqual([
      {
        namespace: 'Shop',
        name: 'Orders',
        dimensions: { service: 'till' },
        value: 3,
        unit: 'Count',
        storageResolution: 60,
        timestampMs: clock.now(),
      },
    ])
  })

  it('EMF-3: a line with the prefix of console.log counts too', () => {
    write(`2026-01-01T00:00:00.000Z\t7e0c\tINFO\t${JSON.stringify(document())}`)
    expect(published()).toHaveLength(1)
  })

  it('EMF-2, EMF-4: a document inside another one or after other text does not count', () => {
    write(JSON.stringify({ level: 'INFO', message: document() }))
    write(`note: ${JSON.stringify(document())}`)
    expect(published()).toEqual([])
  })

  it('EMF-6: a dimension that is no text drops its set and is counted in AWS/Logs', () => {
    write(JSON.stringify(document({ service: 7 })))
    expect(published()).toEqual([])
    expect(failures('EMFValidationErrors')).toBe(1)
  })

  it('EMF-7: an array gives every value; a wrong type drops that metric and keeps the log line', () => {
    write(JSON.stringify(document({ Orders: [1, 2] })))
    expect(published().map((datum) => datum.value)).toEqual([1, 2])
    write(JSON.stringify(document({ Orders: 'many' })))
    expect(published()).toHaveLength(2)
    expect(failures('EMFValidationErrors')).toBe(1)
  })

  it('EMF-7: more than 100 values drop the metric', () => {
    write(JSON.stringify(document({ Orders: Array.from({ length: 101 }, () => 1) })))
    expect(published()).toEqual([])
  })

  it('EMF-8: each dimension set is a series, [] has no dimensions', () => {
    write(
      JSON.stringify(
        document({ site: 'a' }, { Dimensions: [['service'], ['service', 'site'], []] }),
      ),
    )
    expect(published().map((datum) => datum.dimensions)).toEqual([
      { service: 'till' },
      { service: 'till', site: 'a' },
      {},
    ])
  })

  it('EMF-10: unknown members are ignored, and the names of members are case-sensitive', () => {
    write(JSON.stringify(document({ other: { deep: 1 } }, { Comment: 'x' })))
    expect(published()).toHaveLength(1)
    write(JSON.stringify(document({}, { Dimensions: [['Service']] })))
    write(JSON.stringify(document({}, { Metrics: [{ name: 'Orders' }] })))
    write(JSON.stringify({ ...document(), _AWS: document()['_aws'], _aws: undefined }))
    expect(published()).toHaveLength(1)
  })

  it('EMF-11: a log event of more than 1 MB publishes nothing', () => {
    const padded = (bytes: number): string => {
      const empty = JSON.stringify(document({ note: '' }))
      return JSON.stringify(document({ note: 'x'.repeat(bytes - empty.length) }))
    }
    write(padded(1_048_577))
    expect(published()).toEqual([])
    write(padded(1_048_576))
    expect(published()).toHaveLength(1)
  })

  it('EMF-12: a broken document is counted as a parsing error', () => {
    write('{"_aws": {')
    expect(failures('EMFParsingErrors')).toBe(1)
  })

  it('EMF-14: a document older than two weeks publishes nothing', () => {
    const old = document()
    write(
      JSON.stringify({
        ...old,
        _aws: { ...(old._aws as object), Timestamp: clock.now() - 15 * 86_400_000 },
      }),
    )
    expect(published()).toEqual([])
  })

  it('a metric filter adds the value that it selects from matching events', () => {
    void logs.providers
      .find((provider) => provider.type === 'AWS::Logs::MetricFilter')!
      .create({
        logicalId: 'F',
        type: 'AWS::Logs::MetricFilter',
        properties: {
          LogGroupName: GROUP,
          FilterPattern: '{ $.level = "ERROR" && $.ms > 100 }',
          MetricTransformations: [
            { MetricNamespace: 'Shop', MetricName: 'SlowErrors', MetricValue: '$.ms' },
          ],
        },
      })
    write(JSON.stringify({ level: 'ERROR', ms: 250 }))
    write(JSON.stringify({ level: 'ERROR', ms: 50 }))
    write(JSON.stringify({ level: 'INFO', ms: 250 }))
    expect(published().map((datum) => [datum.name, datum.value])).toEqual([['SlowErrors', 250]])
  })

  const call = async (operation: string, input: object): Promise<Record<string, unknown>> => {
    const request: ApiRequest = {
      service: 'logs',
      operation,
      protocol: 'json',
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.from(JSON.stringify(input)),
      principal: { arn: 'arn:aws:iam::000000000000:user/local-developer' },
      requestId: '1',
    }
    const response = await logs.api.handle(request)
    return JSON.parse(String(response.body)) as Record<string, unknown>
  }

  it('keeps a bounded tail: the oldest events leave first', async () => {
    for (let index = 0; index < 15_000; index++) write(`event ${index}`)
    const { events } = (await call('GetLogEvents', {
      logGroupName: GROUP,
      logStreamName: 's',
    })) as {
      events: { message: string }[]
    }
    expect(events.length).toBeLessThanOrEqual(12_500)
    expect(events.at(-1)?.message).toBe('event 14999')
  })

  it('follows a group and stops when told', () => {
    const seen: string[] = []
    const stop = logs.follow(GROUP, (event) => seen.push(event.message))
    write('one')
    stop()
    write('two')
    expect(seen).toEqual(['one'])
  })

  it.each([
    ['error', ['disk error']],
    ['"disk full"', ['disk full']],
    ['disk -full', ['disk error']],
    ['?error ?full', ['disk error', 'disk full']],
    ['%err.r$%', ['disk error']],
    ['', ['disk error', 'disk full', 'fine']],
  ])('filters events with the pattern %s', async (filterPattern, expected) => {
    for (const message of ['disk error', 'disk full', 'fine']) write(message)
    const { events } = (await call('FilterLogEvents', { logGroupName: GROUP, filterPattern })) as {
      events: { message: string }[]
    }
    expect(events.map((event) => event.message)).toEqual(expected)
  })
})
