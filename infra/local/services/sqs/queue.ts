import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../platform/types.ts'

/** Times in seconds, as SQS names them. */
export interface QueueSettings {
  readonly name: string
  readonly arn: string
  readonly delaySeconds: number
  readonly visibilityTimeoutSeconds: number
  readonly retentionSeconds: number
  readonly receiveWaitSeconds: number
  readonly maxMessageBytes: number
  readonly redrive: { readonly deadLetterArn: string; readonly maxReceiveCount: number } | undefined
}

export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  /** Base64. */
  readonly BinaryValue?: string
}

export interface Message {
  readonly messageId: string
  readonly body: string
  readonly md5OfBody: string
  readonly messageAttributes: Readonly<Record<string, MessageAttribute>>
  readonly senderId: string
  readonly sentMs: number
  visibleAtMs: number
  firstReceivedMs: number | undefined
  receiveCount: number
  receiptHandle: string | undefined
}

export interface NewMessage {
  readonly body: string
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>
  readonly senderId?: string
  /** The queue's delay when absent. */
  readonly delaySeconds?: number
}

export interface Queue {
  settings: QueueSettings
  /** `Policy` attribute as JSON text; undefined without a QueuePolicy. */
  policy: string | undefined
  readonly createdMs: number
  readonly url: string
  send(message: NewMessage): Message
  /** Takes in a message as it is (from a queue that gave it up). */
  accept(message: Message): void
  /** Visible messages, now hidden for `visibilitySeconds` (the queue's when absent). */
  receive(max: number, visibilitySeconds?: number): readonly Message[]
  /** False when the handle is unknown or the message was received again since. */
  remove(receiptHandle: string): boolean
  changeVisibility(receiptHandle: string, seconds: number): boolean
  purge(): void
  counts(): QueueCounts
  onMessages(listener: () => void): () => void
  close(): void
}

export interface QueueCounts {
  readonly visible: number
  readonly notVisible: number
  readonly delayed: number
  /** 0 when the queue is empty. */
  readonly oldestAgeSeconds: number
}

export interface QueueOptions {
  readonly clock: Clock
  readonly settings: QueueSettings
  readonly url: string
  /** Takes a message that was received too often. */
  redrive(deadLetterArn: string, message: Message): void
}

/** A standard queue: at least once, order not promised, everything on the clock. */
export function createQueue(options: QueueOptions): Queue {
  const { clock } = options
  const messages = new Map<string, Message>()
  const listeners = new Set<() => void>()
  let cancelTimer: (() => void) | undefined
  let timerAtMs = Number.POSITIVE_INFINITY

  const notify = (): void => {
    cancelTimer = undefined
    timerAtMs = Number.POSITIVE_INFINITY
    for (const listener of listeners) listener()
    watch()
  }
  /** One timer for the next message that becomes visible. */
  const watch = (): void => {
    if (listeners.size === 0) return
    let nextMs = Number.POSITIVE_INFINITY
    for (const { visibleAtMs } of messages.values()) {
      if (visibleAtMs > clock.now()) nextMs = Math.min(nextMs, visibleAtMs)
    }
    if (nextMs >= timerAtMs) return
    cancelTimer?.()
    timerAtMs = nextMs
    cancelTimer = clock.after(nextMs - clock.now(), notify)
  }
  const arrived = (message: Message): void => {
    messages.set(message.messageId, message)
    if (message.visibleAtMs <= clock.now()) for (const listener of listeners) listener()
    watch()
  }
  const dropExpired = (): void => {
    const oldestMs = clock.now() - queue.settings.retentionSeconds * 1000
    for (const message of messages.values()) {
      if (message.sentMs < oldestMs) messages.delete(message.messageId)
    }
  }
  const isGivenUp = (message: Message): boolean => {
    const redrive = queue.settings.redrive
    if (!redrive || message.receiveCount < redrive.maxReceiveCount) return false
    messages.delete(message.messageId)
    options.redrive(redrive.deadLetterArn, message)
    return true
  }
  const held = (receiptHandle: string): Message | undefined => {
    const message = messages.get(receiptHandle.split('/')[0] ?? '')
    return message?.receiptHandle === receiptHandle ? message : undefined
  }

  const queue: Queue = {
    settings: options.settings,
    policy: undefined,
    createdMs: clock.now(),
    url: options.url,
    send(given) {
      const message = newMessage(given, clock.now(), queue.settings)
      arrived(message)
      return message
    },
    accept(message) {
      message.visibleAtMs = clock.now()
      message.receiptHandle = undefined
      arrived(message)
    },
    receive(max, visibilitySeconds = queue.settings.visibilityTimeoutSeconds) {
      dropExpired()
      const nowMs = clock.now()
      const received: Message[] = []
      for (const message of messages.values()) {
        if (received.length >= max) break
        if (message.visibleAtMs > nowMs || isGivenUp(message)) continue
        message.receiveCount++
        message.firstReceivedMs ??= nowMs
        message.visibleAtMs = nowMs + visibilitySeconds * 1000
        message.receiptHandle = `${message.messageId}/${randomBytes(24).toString('base64url')}`
        received.push(message)
      }
      watch()
      return received
    },
    remove(receiptHandle) {
      const message = held(receiptHandle)
      return message !== undefined && messages.delete(message.messageId)
    },
    changeVisibility(receiptHandle, seconds) {
      const message = held(receiptHandle)
      if (!message) return false
      message.visibleAtMs = clock.now() + seconds * 1000
      if (seconds === 0) for (const listener of listeners) listener()
      watch()
      return true
    },
    purge: () => messages.clear(),
    counts() {
      dropExpired()
      return countsOf([...messages.values()], clock.now())
    },
    onMessages(listener) {
      listeners.add(listener)
      watch()
      return () => {
        listeners.delete(listener)
      }
    },
    close() {
      cancelTimer?.()
      listeners.clear()
    },
  }
  return queue
}

function newMessage(given: NewMessage, nowMs: number, settings: QueueSettings): Message {
  return {
    messageId: randomUUID(),
    body: given.body,
    md5OfBody: createHash('md5').update(given.body).digest('hex'),
    messageAttributes: given.messageAttributes ?? {},
    senderId: given.senderId ?? 'AIDALOCAL',
    sentMs: nowMs,
    visibleAtMs: nowMs + (given.delaySeconds ?? settings.delaySeconds) * 1000,
    firstReceivedMs: undefined,
    receiveCount: 0,
    receiptHandle: undefined,
  }
}

function countsOf(messages: readonly Message[], nowMs: number): QueueCounts {
  const hidden = messages.filter((message) => message.visibleAtMs > nowMs)
  const delayed = hidden.filter((message) => message.receiveCount === 0).length
  const oldestMs = Math.min(nowMs, ...messages.map((message) => message.sentMs))
  return {
    visible: messages.length - hidden.length,
    notVisible: hidden.length - delayed,
    delayed,
    oldestAgeSeconds: (nowMs - oldestMs) / 1000,
  }
}
