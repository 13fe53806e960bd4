import type {
  Account,
  ApiHandler,
  Authorization,
  Clock,
  EventBus,
  Functions,
  MetricDatum,
  Metrics,
  ResourceService,
  Topics,
} from '../../platform/types.ts'
import { cloudWatchApi } from './api.ts'
import { alarmBook } from './alarm-book.ts'
import type { Alarm, Transition } from './alarm-book.ts'
import { composites } from './composites.ts'
import { dashboardStore } from './dashboards.ts'
import { alarmEvaluator } from './evaluator.ts'
import { metricStore } from './metric-store.ts'
import { notifications } from './notifications.ts'
import { cloudWatchProviders } from './providers.ts'

export interface CloudWatch extends ResourceService, Metrics {
  readonly api: ApiHandler
  /** Alarms with their present states, by name. */
  alarms(): readonly Alarm[]
  /** Called at every change of an alarm's state. */
  onTransition(listener: (transition: Transition) => void): void
}

export interface CloudWatchOptions {
  readonly clock: Clock
  readonly account: Account
  readonly topics: Topics
  readonly functions: Functions
  readonly events: EventBus
  readonly authorization: Authorization
}

const EXPIRE_EVERY_MS = 600_000

/** CloudWatch metrics and alarms on one machine, on the injected clock. */
export function createCloudWatch(options: CloudWatchOptions): CloudWatch {
  const { account, clock } = options
  const store = metricStore(clock)
  const book = alarmBook(account, clock)
  const dashboards = dashboardStore(clock)
  const tell = notifications({ ...options, book })
  const above = composites({ clock, book, notifications: tell })
  const evaluator = alarmEvaluator(clock, store, book)
  let cancel: (() => void) | undefined
  book.onTransition((transition) => {
    above.onTransition(transition)
  })
  return {
    name: 'cloudwatch',
    providers: cloudWatchProviders({ account, book, composites: above, dashboards }),
    api: cloudWatchApi({ ...options, store, book, dashboards }),
    put: (datum: MetricDatum) => {
      store.put(datum)
    },
    alarms: () => book.list(),
    onTransition: (listener) => {
      book.onTransition(listener)
    },
    start() {
      evaluator.start()
      cancel = clock.every(EXPIRE_EVERY_MS, () => {
        store.expire()
      })
      return Promise.resolve()
    },
    stop() {
      evaluator.stop()
      cancel?.()
      return Promise.resolve()
    },
  }
}
