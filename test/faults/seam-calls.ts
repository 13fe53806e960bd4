import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import mqtt, { type MqttClient } from 'mqtt'
import { names } from './seam-bench.ts'
import { bench, endLater } from './seam-kit.ts'

/** A device that tries once. */
export async function device(): Promise<MqttClient> {
  const client = await mqtt.connectAsync(
    bench.system.endpoints.mqtt,
    {
      protocolVersion: 4,
      reconnectPeriod: 0,
    },
    false,
  )
  client.on('error', () => undefined)
  endLater(client)
  return client
}
export async function publish(payload = 'x'): Promise<void> {
  await (await device()).publishAsync('dt/a', payload, { qos: 1 })
}
export const put = (text = 'x') =>
  new KinesisClient(bench.aws).send(
    new PutRecordCommand({ StreamName: names.stream, PartitionKey: 'a', Data: Buffer.from(text) }),
  )
export const queueUrl = () => `${bench.aws.endpoint}/000000000000/${names.queue}`
/** Messages in the queue that rules and the bus write to. */
export async function queued(): Promise<number> {
  const { Attributes } = await new SQSClient(bench.aws).send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl(), AttributeNames: ['All'] }),
  )
  return Number(Attributes?.['ApproximateNumberOfMessages'])
}
