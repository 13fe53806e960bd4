import { randomUUID } from 'node:crypto'
import type {
  Account,
  ApiHandler,
  Authorization,
  BusEvent,
  Clock,
  EventBus,
  Faults,
  Functions,
  Metrics,
  Queues,
  ResolvedResource,
  ResourceProvider,
  ResourceService,
  Topics,
} from '../../platform/types.ts'
import { eventsApi } from './api.ts'
import { deliver } from './delivery.ts'
import { ruleOf, type Rule } from './rule.ts'

const MINUTE_MS = 60_000
/** A rate starts when its rule is created (EventBridge User Guide, "Rate expressions"); its targets are there a moment later. */
const FIRST_RUN_MS = 1_000

export interface EventsOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly functions: Functions
  readonly queues: Queues
  readonly topics: Topics
  readonly metrics: Metrics
  readonly faults?: Faults
}

export interface Events extends ResourceService, EventBus {
  readonly api: ApiHandler
}

const properties: ResourceProvider['properties'] = {
  Name: 'used',
  Description: 'used',
  EventBusName: 'used',
  EventPattern: { '*': 'used' },
  ScheduleExpression: 'used',
  State: 'used',
  Targets: [
    {
      Id: 'used',
      Arn: 'used',
      Input: 'used',
      InputPath: 'used',
      InputTransformer: { InputPathsMap: { '*': 'used' }, InputTemplate: 'used' },
      RetryPolicy: { MaximumRetryAttempts: 'used', MaximumEventAgeInSeconds: 'used' },
      DeadLetterConfig: { Arn: 'used' },
    },
  ],
  Tags: 'inert',
}

/** The default event bus: rules by pattern and by schedule, targets Lambda, SQS and SNS. */
export function createEvents(options: EventsOptions): Events {
  const { clock, account } = options
  const rules = new Map<string, Rule>()
  const cancellations = new Map<string, () => void>()
  let isStopped = false

  const count = (rule: Rule, name: string): void => {
    options.metrics.put({
      namespace: 'AWS/Events',
      name,
      dimensions: { RuleName: rule.name },
      value: 1,
      unit: 'Count',
      timestampMs: clock.now(),
    })
  }
  const trigger = (rule: Rule, event: Readonly<Record<string, unknown>>): void => {
    if (isStopped || !rule.isEnabled) return
    count(rule, 'TriggeredRules')
    for (const target of rule.targets) {
      void deliver(rule, target, { event, options: { ...options, count } })
    }
  }
  const put = (event: BusEvent): string => {
    const envelope = envelopeOf(event, account, clock.now())
    for (const rule of rules.values()) {
      if (!rule.matches?.(envelope)) continue
      count(rule, 'MatchedEvents')
      trigger(rule, envelope)
    }
    return envelope.id
  }
  const remove = (name: string): void => {
    cancellations.get(name)?.()
    cancellations.delete(name)
    rules.delete(name)
  }
  const create = (resource: ResolvedResource): { ref: string; attributes: { Arn: string } } => {
    const rule = ruleOf(account, resource)
    remove(rule.name)
    rules.set(rule.name, rule)
    cancellations.set(
      rule.name,
      startSchedule(rule, clock, () => {
        trigger(rule, scheduledEvent(rule, account, clock.now()))
      }),
    )
    return { ref: rule.name, attributes: { Arn: rule.arn } }
  }

  return {
    name: 'events',
    providers: [
      {
        type: 'AWS::Events::Rule',
        properties,
        create,
        update(resource, previous) {
          remove(ruleOf(account, previous).name)
          return create(resource)
        },
        delete: (resource) => remove(ruleOf(account, resource).name),
      },
    ],
    api: eventsApi({ ...options, rules: () => [...rules.values()], put }),
    put(event) {
      put(event)
      return Promise.resolve()
    },
    start: () => Promise.resolve(),
    stop() {
      isStopped = true
      for (const cancel of cancellations.values()) cancel()
      return Promise.resolve()
    },
  }
}

/** Runs `task` as the schedule says; returns the end of it. A rate runs at once and then each interval, cron from the next full minute. */
function startSchedule({ schedule }: Rule, clock: Clock, task: () => void): () => void {
  if (!schedule) return () => undefined
  if (schedule.kind === 'rate') return startRate(schedule.intervalMs, clock, task)
  let cancel: () => void = () => undefined
  const next = (): void => {
    const minuteMs = (Math.floor(clock.now() / MINUTE_MS) + 1) * MINUTE_MS
    cancel = clock.after(minuteMs - clock.now(), () => {
      if (schedule.isDue(minuteMs)) task()
      next()
    })
  }
  next()
  return () => cancel()
}

function startRate(intervalMs: number, clock: Clock, task: () => void): () => void {
  let cancel = clock.after(FIRST_RUN_MS, () => {
    cancel = clock.every(intervalMs, task)
    task()
  })
  return () => cancel()
}

function envelopeOf(
  event: BusEvent,
  account: Account,
  nowMs: number,
): Readonly<Record<string, unknown>> & { readonly id: string } {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': event.detailType,
    source: event.source,
    account: account.accountId,
    time: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    region: account.region,
    resources: event.resources,
    detail: event.detail,
  }
}

function scheduledEvent(
  rule: Rule,
  account: Account,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const event = {
    source: 'aws.events',
    detailType: 'Scheduled Event',
    resources: [rule.arn],
    detail: {},
  }
  return envelopeOf(event, account, nowMs)
}
