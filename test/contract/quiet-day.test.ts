import { metrics, METRICS_NAMESPACE, services } from '@gaugeline/backend/contract'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { synthesize, type Resource } from '../../infra/cloud/stack.fixture.ts'
import { manualClock, type ManualClock } from '../../infra/local/platform/clock.ts'
import { createCloudWatch, type CloudWatch } from '../../infra/local/services/cloudwatch/index.ts'
import { createEvents, type Events } from '../../infra/local/services/events/index.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }
const lambdaArn = (name: string): string => `arn:aws:lambda:eu-west-1:000000000000:function:${name}`
const TYPES = ['AWS::Events::Rule', 'AWS::CloudWatch::Alarm'] as const

/** `Ref` is the logical id, `Fn::GetAtt` the ARN of a function of that name: enough for what alarms and rules name. */
function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve)
  if (typeof value !== 'object' || value === null) return value
  const { Ref: ref, 'Fn::GetAtt': attribute } = value as Record<string, unknown>
  if (typeof ref === 'string') return ref
  if (Array.isArray(attribute)) return lambdaArn(String(attribute[0]))
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolve(part)]))
}

let template: readonly (readonly [string, Resource])[]
let streamName: string
beforeAll(() => {
  const stack = synthesize()
  template = TYPES.flatMap((type) => Object.entries(stack.resources(type)))
  streamName = Object.keys(stack.resources('AWS::Kinesis::Stream'))[0] ?? ''
}, 60_000)

interface MetricOf {
  /** Our own when absent. */
  readonly namespace?: string
  readonly name: string
  readonly of: Readonly<Record<string, string>>
}

/** The alarms and schedules of the real template, with a sweeper that reports as the real one does; a clock that moves when told. */
interface World {
  readonly clock: ManualClock
  readonly put: (metric: MetricOf, value: number) => void
  /** Names without the stack's, in the order they went off. */
  readonly wentOff: string[]
  /** Takes the sweeper's schedule away. */
  readonly unschedule: () => void
  /** Called at the start of each minute that passes. */
  readonly minutes: (count: number, each?: () => void) => Promise<void>
}

const running: (CloudWatch | Events)[] = []
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop()
})

async function world(startMs: number): Promise<World> {
  const clock = manualClock(startMs)
  const unused = { check: () => undefined, isAllowed: () => true, credentialsFor: () => never() }
  const never = (): never => {
    throw new Error('not used here')
  }
  const put: World['put'] = ({ namespace = METRICS_NAMESPACE, name, of }, value) => {
    cloudwatch.put({ namespace, name, dimensions: of, value, timestampMs: clock.now() })
  }
  const topics = { publish: () => Promise.resolve() }
  const functions = {
    invoke: () => {
      put({ name: metrics.connections, of: { service: services.sweeper } }, 0)
      return Promise.resolve({ requestId: '1', payload: undefined })
    },
    describe: (functionName: string) => ({ arn: functionName, timeoutSeconds: 3, memoryMb: 128 }),
  }
  const common = { clock, account, authorization: unused, topics, functions }
  const cloudwatch = createCloudWatch({
    ...common,
    events: { put: () => Promise.resolve() },
  })
  const events = createEvents({
    ...common,
    queues: { send: never },
    metrics: { put: () => undefined },
  })
  const wentOff: string[] = []
  cloudwatch.onTransition(({ alarm }) => {
    if (alarm.state.value === 'ALARM') wentOff.push(alarm.definition.name.replace(/^\w+-/, ''))
  })
  await cloudwatch.start()
  running.push(cloudwatch, events)
  const providers = [...cloudwatch.providers, ...events.providers]
  const resources = template.map(([logicalId, { Type: type, Properties }]) => ({
    logicalId,
    type,
    properties: resolve(Properties) as Record<string, unknown>,
  }))
  const providerOf = (type: string) => providers.find((one) => one.type === type)!
  for (const resource of resources) await providerOf(resource.type).create(resource)
  return {
    clock,
    put,
    wentOff,
    unschedule() {
      const scheduled = resources.filter(({ properties }) => properties['ScheduleExpression'])
      for (const rule of scheduled) void providerOf(rule.type).delete?.(rule)
    },
    async minutes(count, each = () => undefined) {
      for (let minute = 0; minute < count; minute++) {
        each()
        await clock.advance(60_000)
      }
    },
  }
}

const at = (second: number): number => Date.UTC(2026, 10, 23, 3, 0, 0) + second * 1_000

describe('the alarms of the template', () => {
  it.each([0.5, 2.9, 31, 56.9, 58.5, 59.9])(
    'stay quiet for an hour without a device or a person, started %s s into a minute',
    async (second) => {
      const { minutes, wentOff } = await world(at(second))
      await minutes(60)
      expect(wentOff).toEqual([])
    },
  )

  it('notice within six minutes that the sweeper does not report any more', async () => {
    const { minutes, unschedule, wentOff } = await world(at(31))
    await minutes(10)
    unschedule()
    await minutes(6)
    expect(wentOff).toEqual(['sweeper-silent'])
  })

  it('notice that the sweeper has never reported', async () => {
    const { minutes, unschedule, wentOff } = await world(at(31))
    unschedule()
    await minutes(4)
    expect(wentOff).toEqual(['sweeper-silent'])
  })

  it('notice within four minutes that records arrive and deliver does nothing', async () => {
    const { minutes, put, wentOff } = await world(at(31))
    const records = {
      namespace: 'AWS/Kinesis',
      name: 'IncomingRecords',
      of: { StreamName: streamName },
    }
    const heartbeat = { name: metrics.heartbeat, of: { service: services.deliver } }
    await minutes(10, () => {
      put(records, 1)
      put(heartbeat, 1)
    })
    expect(wentOff).toEqual([])
    await minutes(4, () => put(records, 1))
    expect(wentOff).toEqual(['deliver-heartbeat-missing'])
  })

  it('notice that a fleet falls silent, but not that there is none', async () => {
    const { minutes, put, wentOff } = await world(at(31))
    const age = { name: metrics.newestReadingAge, of: { service: services.sweeper } }
    let seconds = 0
    await minutes(5, () => put(age, 1))
    await minutes(4, () => put(age, (seconds += 60)))
    expect(wentOff).toEqual([])
    await minutes(3, () => put(age, (seconds += 60)))
    expect(wentOff).toEqual(['ingest-silence'])
  })
})
