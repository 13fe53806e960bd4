import { createHash, randomUUID } from 'node:crypto'
import { readConfig } from '../adapters/config.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoCommands } from '../adapters/dynamo-commands.ts'
import { dynamoConnections } from '../adapters/dynamo-connections.ts'
import { iotDeviceMessages } from '../adapters/iot-device-messages.ts'
import { managementSockets } from '../adapters/management-sockets.ts'
import { createRoute } from '../adapters/route.ts'
import { createExpiryQueue } from '../adapters/sqs-expiry-queue.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { metrics, services } from '../contract.ts'
import { sendCommand } from '../core/commands/send-command.ts'

const config = readConfig('connectionsTable', 'expiryQueueUrl', 'commandsTable')
const telemetry = createTelemetry(services.command)
const client = createDynamo()
const expiryQueue = createExpiryQueue(config.expiryQueueUrl)
const ports = {
  commands: dynamoCommands({ client, table: config.commandsTable }),
  devices: iotDeviceMessages(telemetry.log),
  sockets: managementSockets(telemetry.log),
  expiryQueue,
  log: telemetry.log,
  clock,
  newId: randomUUID,
  digest: (text: string) => createHash('sha256').update(text).digest('base64url'),
}

/** Route `command`. */
export const handler = createRoute({
  connections: dynamoConnections({ client, table: config.connectionsTable }),
  expiryQueue,
  telemetry,
  clock,
  handlers: {
    command: async (message, { connection }) => {
      const answer = await sendCommand(message, connection, ports)
      const { commandId, topic, name, state } = answer
      if (state === 'sent') telemetry.metrics.count(metrics.commandsSent)
      telemetry.log.info('command handled', { commandId, topic, name, state })
      return answer
    },
  },
})
