import { Duration, Stack } from 'aws-cdk-lib'
import { Rule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Construct } from 'constructs'
import { env } from '../../backend/src/contract.ts'
import { failureQueue } from './failure-queue.ts'
import type { Foundation } from './foundation.ts'
import { ServiceFunction } from './service-function.ts'
import type { SocketApi } from './socket-api/socket-api.ts'
import type { TableAccess } from './tables.ts'

export interface AlarmEventsProps {
  readonly foundation: Foundation
  readonly api: SocketApi
}

const access: TableAccess = {
  subscriptions: ['read', 'write'],
  alarms: ['read', 'write'],
}

/** Alarm state changes, from CloudWatch to every dashboard that watches alarms. */
export class AlarmEvents extends Construct {
  constructor(scope: Construct, id: string, { foundation, api }: AlarmEventsProps) {
    super(scope, id)
    const { stackName } = Stack.of(this)
    const push = new ServiceFunction(this, 'Push', {
      foundation,
      name: 'alarm-events',
      description: 'Pushes alarm state changes to dashboards',
      environment: {
        ...foundation.tables.environment(access),
        [env.managementEndpoint]: api.managementUrl,
        [env.alarmPrefix]: `${stackName}-`,
      },
      memoryMb: 256,
      timeoutSeconds: 15,
    })
    foundation.tables.grant(push, access)
    api.grantPost(push)
    const failures = failureQueue(this, 'Failures', foundation, {
      name: 'alarm-events-waiting',
      severity: 'P3',
      what: 'Alarm state changes could not be handed to their function, or it failed on them three times',
      impact: 'Dashboards show an old alarm state until the next change',
    })
    push.whenAsynchronousFails({ retryAttempts: 2, keepIn: failures })
    new Rule(this, 'StateChange', {
      description: "Gaugeline: this stack's alarms to its dashboards",
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: `${stackName}-` }] },
      },
      targets: [
        new LambdaFunction(push.function, {
          deadLetterQueue: failures,
          retryAttempts: 3,
          maxEventAge: Duration.minutes(15),
        }),
      ],
    })
  }
}
