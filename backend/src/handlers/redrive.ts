import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { setTimeout as pause } from 'node:timers/promises'
import { readConfig } from '../adapters/config.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoRejects } from '../adapters/dynamo-rejects.ts'
import { createKinesisStream } from '../adapters/kinesis-stream.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { redrive } from '../core/redrive/redrive.ts'

/** Left for the last calls and the answer. */
const MARGIN_MS = 8_000

const config = readConfig('rejectsTable', 'streamName')
const telemetry = createTelemetry(services.redrive)
const ports = {
  stream: createKinesisStream(config.streamName),
  rejects: dynamoRejects({ client: createDynamo(), table: config.rejectsTable }),
  clock,
  pause: (ms: number) => pause(ms),
  ...telemetry,
}

/** SQS: what a topic rule or the stream's mapping gave up on → the stream. Reports only the messages to be tried again. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadlineMs = clock.now() + context.getRemainingTimeInMillis() - MARGIN_MS
  const messages = event.Records.map(({ messageId, body, attributes }) => ({
    messageId,
    body,
    sentMs: Number(attributes.SentTimestamp),
  }))
  try {
    const failed = await redrive(messages, ports, deadlineMs)
    telemetry.log.info('redriven', { messages: messages.length, waiting: failed.length })
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
  } finally {
    telemetry.flush()
  }
}
