import { Duration } from 'aws-cdk-lib'
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Construct } from 'constructs'
import { env, metrics } from '../../backend/src/contract.ts'
import type { ExpiryQueue } from './expiry-queue.ts'
import type { Foundation } from './foundation.ts'
import { ServiceFunction } from './service-function.ts'
import type { SocketApi } from './socket-api/socket-api.ts'
import type { TableAccess } from './tables.ts'

export interface SweepingProps {
  readonly foundation: Foundation
  readonly api: SocketApi
  readonly expiryQueue: ExpiryQueue
}

const expireAccess: TableAccess = {
  connections: ['read', 'write'],
  subscriptions: ['read', 'write'],
}
const sweeperAccess: TableAccess = {
  connections: ['read', 'write'],
  subscriptions: ['read', 'write'],
  commands: ['read', 'write'],
  history: ['read'],
}

/** What ends by itself: sockets whose token ran out, rows that nobody removed, commands nobody answered. */
export class Sweeping extends Construct {
  readonly sweeper: ServiceFunction

  constructor(scope: Construct, id: string, props: SweepingProps) {
    super(scope, id)
    this.#addExpire(props)
    this.sweeper = this.#addSweeper(props)
  }

  #addExpire({ foundation, api, expiryQueue }: SweepingProps): void {
    const expire = new ServiceFunction(this, 'Expire', {
      foundation,
      name: 'expire',
      description: 'Closes sockets whose token has ended',
      environment: {
        ...foundation.tables.environment(expireAccess),
        ...expiryQueue.environment,
        [env.managementEndpoint]: api.managementUrl,
      },
      memoryMb: 256,
      timeoutSeconds: expiryQueue.consumerTimeoutSeconds,
    })
    foundation.tables.grant(expire, expireAccess)
    api.grantPost(expire)
    api.grantClose(expire)
    expiryQueue.grantSend(expire)
    expiryQueue.consumeWith(expire)
  }

  #addSweeper({ foundation, api, expiryQueue }: SweepingProps): ServiceFunction {
    const sweeper = new ServiceFunction(this, 'Sweeper', {
      foundation,
      name: 'sweeper',
      description: 'Each minute: tokens about to end, rows nobody removed, gauges, commands',
      environment: {
        ...foundation.tables.environment(sweeperAccess),
        ...expiryQueue.environment,
        [env.managementEndpoint]: api.managementUrl,
      },
      memoryMb: 256,
      // Done before the next minute begins.
      timeoutSeconds: 50,
    })
    foundation.tables.grant(sweeper, sweeperAccess)
    api.grantPost(sweeper)
    expiryQueue.grantSend(sweeper)
    new Rule(this, 'EachMinute', {
      description: 'Gaugeline sweeper',
      schedule: Schedule.rate(Duration.minutes(1)),
      // The next minute is the retry, here and of a run that failed.
      targets: [new LambdaFunction(sweeper.function, { retryAttempts: 0 })],
    })
    sweeper.whenAsynchronousFails({ retryAttempts: 0, maxEventAge: Duration.minutes(1) })
    this.#addAlarms(sweeper, foundation)
    return sweeper
  }

  #addAlarms(sweeper: ServiceFunction, foundation: Foundation): void {
    foundation.notifications.alarm(this, {
      name: 'zombie-rows',
      severity: 'P3',
      what: 'Many rows of sockets that cannot exist any more',
      impact: 'None for users; each costs a post per batch until it is removed',
      metric: sweeper.metric(metrics.zombieRows, Stats.MAXIMUM),
      threshold: 100,
      datapoints: [15, 15],
      missing: TreatMissingData.NOT_BREACHING,
    })
    foundation.notifications.alarm(this, {
      name: 'commands-unanswered',
      severity: 'P3',
      what: 'Devices leave commands without an answer',
      impact: 'Operators see their commands expire',
      metric: sweeper.metric(metrics.commandsExpired).with({ period: Duration.minutes(5) }),
      threshold: 10,
      datapoints: [2, 3],
      missing: TreatMissingData.NOT_BREACHING,
    })
  }
}
