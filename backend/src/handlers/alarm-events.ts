import type { EventBridgeEvent } from 'aws-lambda'
import { readConfig } from '../adapters/config.ts'
import { dynamoAlarmWatchers } from '../adapters/dynamo-alarm-watchers.ts'
import { dynamoAlarms } from '../adapters/dynamo-alarms.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { managementSockets } from '../adapters/management-sockets.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { readAlarmEvent } from '../core/alarms/read-alarm-event.ts'
import { recordEvent } from '../core/alarms/record-event.ts'

const config = readConfig('subscriptionsTable', 'alarmsTable', 'alarmPrefix')
const telemetry = createTelemetry(services.alarmEvents)
const client = createDynamo()
const ports = {
  records: dynamoAlarms({ client, table: config.alarmsTable }),
  watchers: dynamoAlarmWatchers({ client, table: config.subscriptionsTable }),
  sockets: managementSockets(telemetry.log),
  prefix: config.alarmPrefix,
  clock: systemClock,
}

/** EventBridge `CloudWatch Alarm State Change`. Throws to have the event delivered again. */
export async function handler(
  event: EventBridgeEvent<'CloudWatch Alarm State Change', unknown>,
): Promise<void> {
  const fact = readAlarmEvent(event.detail)
  if (!fact) {
    telemetry.log.error('alarm event not understood', { eventId: event.id })
    return
  }
  const { alarm, state } = fact
  telemetry.log.info('alarm event handled', { alarm, state, ...(await recordEvent(fact, ports)) })
}
