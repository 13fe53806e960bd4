import { createHash } from 'node:crypto'
import type { Message, MessageAttribute } from './message.ts'

/** The system attributes of a received message, as the API and the Lambda event name them. */
export function systemAttributes(message: Message): Readonly<Record<string, string>> {
  return {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentMs),
    SenderId: message.senderId,
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs ?? message.sentMs),
  }
}

/** Message attributes as they stand in a Lambda event: keys in lower camel case, lists always there. */
export function eventAttributes(message: Message): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(message.messageAttributes).map(([name, attribute]) => [
      name,
      {
        ...(attribute.StringValue === undefined ? {} : { stringValue: attribute.StringValue }),
        ...(attribute.BinaryValue === undefined ? {} : { binaryValue: attribute.BinaryValue }),
        stringListValues: [],
        binaryListValues: [],
        dataType: attribute.DataType,
      },
    ]),
  )
}

/** Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes". Undefined without attributes. */
export function md5OfAttributes(
  attributes: Readonly<Record<string, MessageAttribute>>,
): string | undefined {
  const names = Object.keys(attributes).sort()
  if (names.length === 0) return undefined
  const hash = createHash('md5')
  const add = (bytes: Buffer): void => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  for (const name of names) {
    const attribute = attributes[name]
    if (!attribute) continue
    add(Buffer.from(name))
    add(Buffer.from(attribute.DataType))
    const isText = attribute.StringValue !== undefined
    hash.update(Buffer.from([isText ? 1 : 2]))
    add(
      Buffer.from(attribute.StringValue ?? attribute.BinaryValue ?? '', isText ? 'utf8' : 'base64'),
    )
  }
  return hash.digest('hex')
}
