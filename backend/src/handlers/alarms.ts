import { cloudwatchAlarmSource } from '../adapters/cloudwatch-alarm-source.ts'
import { readConfig } from '../adapters/config.ts'
import { dynamoAlarmWatchers } from '../adapters/dynamo-alarm-watchers.ts'
import { dynamoAlarms } from '../adapters/dynamo-alarms.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoConnections } from '../adapters/dynamo-connections.ts'
import { managementSockets } from '../adapters/management-sockets.ts'
import { createRoute } from '../adapters/route.ts'
import { createExpiryQueue } from '../adapters/sqs-expiry-queue.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { answerAlarms } from '../core/alarms/answer-alarms.ts'

const config = readConfig(
  'connectionsTable',
  'expiryQueueUrl',
  'subscriptionsTable',
  'alarmsTable',
  'alarmPrefix',
)
const telemetry = createTelemetry(services.alarms)
const client = createDynamo()
const connections = dynamoConnections({ client, table: config.connectionsTable })
const ports = {
  connections,
  source: cloudwatchAlarmSource(config.alarmPrefix),
  records: dynamoAlarms({ client, table: config.alarmsTable }),
  watchers: dynamoAlarmWatchers({ client, table: config.subscriptionsTable }),
  sockets: managementSockets(telemetry.log),
  prefix: config.alarmPrefix,
  clock,
}

/** Route `alarms`. */
export const handler = createRoute({
  connections,
  expiryQueue: createExpiryQueue(config.expiryQueueUrl),
  telemetry,
  clock,
  handlers: {
    alarms: (message, { connection }) => answerAlarms(message, connection, ports),
  },
})
