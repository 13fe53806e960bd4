import type {
  Account,
  ApiHandler,
  Authorization,
  Broker,
  Clock,
  Faults,
  Functions,
  Metrics,
  Queues,
  ResourceService,
  Streams,
} from '../../platform/types.ts'
import { mqttBroker } from './broker.ts'
import { iotCounters } from './counters.ts'
import { dataPlane } from './data-plane.ts'
import { developerIdentity, thingIdentity } from './identity.ts'
import { registryProviders, topicRuleProvider } from './providers.ts'
import { rulesEngine } from './rules.ts'

export interface IotOptions {
  readonly clock: Clock
  readonly account: Account
  readonly streams: Streams
  readonly functions: Functions
  readonly queues: Queues
  readonly authorization: Authorization
  readonly metrics: Metrics
  readonly faults: Faults
  /** TCP port of the broker on 127.0.0.1; 0 = any. */
  readonly mqttPort: number
  /** Tells the person at the terminal something, in one line. */
  readonly tell: (line: string) => void
}

export interface Iot extends ResourceService, Broker {
  /** The data plane, for the API front. */
  readonly api: ApiHandler
  /** The broker's TCP port, known after the start. */
  mqttPort(): number
}

/** IoT Core on one machine: broker, rules engine, policies, data plane. */
export function createIot(options: IotOptions): Iot {
  const { account, clock } = options
  const counters = iotCounters(clock, options.metrics)
  const rules = rulesEngine({ account, clock, faults: options.faults, counters })
  const { registry, providers } = registryProviders(account)
  const developer = developerIdentity()
  const broker = mqttBroker({
    clock,
    faults: options.faults,
    counters,
    rules,
    port: options.mqttPort,
    tell: options.tell,
    identify: (username, clientId) =>
      username === undefined || username === ''
        ? developer
        : thingIdentity(username, {
            clientId,
            account,
            policies: registry.policies(),
            attributesOf: registry.attributesOf,
          }),
  })
  return {
    name: 'iot',
    providers: [topicRuleProvider(rules, { ...options, broker }), ...providers],
    api: dataPlane({ ...options, broker, rules, counters }),
    publish: (topic, payload, settings) => broker.publish(topic, payload, settings),
    mqttPort: () => broker.port(),
    start: () => broker.start(),
    async stop() {
      await broker.stop()
      counters.stop()
    },
  }
}
