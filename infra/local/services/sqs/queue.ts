import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import type { Clock } from '../../platform/types.ts'
import type { Message, MessageAttribute } from './message.ts'
import type { QueueLog } from './queue-log.ts'
import { createVisibility } from './visibility.ts'

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
  /** Throws AwsError `InternalFailure` (500) when the disk does not take it. */
  send(message: NewMessage): Message
  /** Takes in a message as it is (from a queue that gave it up). Throws as `send` does. */
  accept(message: Message): void
  /** Visible messages, now hidden for `visibilitySeconds` (the queue's when absent). */
  receive(max: number, visibilitySeconds?: number): readonly Message[]
  /** False when the handle is unknown or the message was received again since. */
  remove(receiptHandle: string): boolean
  changeVisibility(receiptHandle: string, seconds: number): boolean
  purge(): void
  /** Hands the visible messages to `move` and removes each that it takes; throws what it throws, and keeps the rest. Returns their number. */
  moveVisible(move: (message: Message) => void): number
  counts(): QueueCounts
  onMessages(listener: () => void): () => void
  close(): void
  /** Closes and forgets what it kept. */
  destroy(): void
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
  /** Takes a message that was received too often. Throws AwsError when it cannot. */
  redrive(deadLetterArn: string, message: Message): void
  /** Keeps `messages` across restarts, and fills it with those of the last run; absent = memory only. */
  readonly openLog?: ((messages: Map<string, Message>) => QueueLog) | undefined
}

/**
 * A standard queue: at least once, order not promised, everything on the clock. With a log, messages that a killed process had in flight
 * become visible when their visibility timeout ends, as those of a lost consumer do on AWS.
 */
export function createQueue(options: QueueOptions): Queue {
  const { clock } = options
  const messages = new Map<string, Message>()
  const log = options.openLog?.(messages)
  const listeners = new Set<() => void>()
  const schedule = createVisibility(clock, messages)
  for (const message of messages.values()) schedule.changed(message)
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
    const nextMs = schedule.nextMs()
    if (nextMs >= timerAtMs) return
    cancelTimer?.()
    timerAtMs = nextMs
    cancelTimer = clock.after(nextMs - clock.monotonic(), notify)
  }
  const arrived = (message: Message): void => {
    messages.set(message.messageId, message)
    try {
      log?.put(message)
    } catch (error) {
      messages.delete(message.messageId)
      throw error
    }
    schedule.changed(message)
    if (message.visibleAtMs <= clock.monotonic()) for (const listener of listeners) listener()
    watch()
  }
  const isExpired = (message: Message): boolean =>
    message.sentMs < clock.now() - queue.settings.retentionSeconds * 1000
  const dropExpired = (): void => {
    forget([...messages.values()].filter(isExpired).map(({ messageId }) => messageId))
  }
  const forget = (messageIds: readonly string[]): void => {
    if (messageIds.length === 0) return
    for (const messageId of messageIds) messages.delete(messageId)
    log?.gone(messageIds)
  }
  const isDeadLetter = (message: Message): boolean => {
    const redrive = queue.settings.redrive
    if (!redrive || message.receiveCount < redrive.maxReceiveCount) return false
    try {
      const deadLetterSourceArn = queue.settings.arn
      options.redrive(redrive.deadLetterArn, { ...message, deadLetterSourceArn })
      forget([message.messageId])
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      // It stays here and is tried again when it would have been visible again.
      message.visibleAtMs = clock.monotonic() + queue.settings.visibilityTimeoutSeconds * 1000
      schedule.changed(message)
    }
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
      const message = newMessage(given, clock, queue.settings)
      arrived(message)
      return message
    },
    accept(message) {
      message.visibleAtMs = clock.monotonic()
      message.receiptHandle = undefined
      arrived(message)
    },
    receive(max, visibilitySeconds = queue.settings.visibilityTimeoutSeconds) {
      const received: Message[] = []
      for (const message of schedule.visible()) {
        if (received.length >= max) break
        if (isExpired(message)) forget([message.messageId])
        if (!messages.has(message.messageId) || isDeadLetter(message)) continue
        message.receiveCount++
        message.firstReceivedMs ??= clock.now()
        message.visibleAtMs = clock.monotonic() + visibilitySeconds * 1000
        message.receiptHandle = `${message.messageId}/${randomBytes(24).toString('base64url')}`
        schedule.changed(message)
        log?.changed(message)
        received.push(message)
      }
      watch()
      return received
    },
    remove(receiptHandle) {
      const message = held(receiptHandle)
      if (message) forget([message.messageId])
      return message !== undefined
    },
    changeVisibility(receiptHandle, seconds) {
      const message = held(receiptHandle)
      if (!message) return false
      message.visibleAtMs = clock.monotonic() + seconds * 1000
      schedule.changed(message)
      log?.changed(message)
      if (seconds === 0) for (const listener of listeners) listener()
      watch()
      return true
    },
    purge() {
      forget([...messages.keys()])
    },
    moveVisible(move) {
      let moved = 0
      for (const message of schedule.visible()) {
        move(message)
        forget([message.messageId])
        moved++
      }
      return moved
    },
    counts() {
      dropExpired()
      return countsOf(messages.values(), clock)
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
      log?.close()
    },
    destroy() {
      cancelTimer?.()
      listeners.clear()
      log?.remove()
    },
  }
  return queue
}

function newMessage(given: NewMessage, clock: Clock, settings: QueueSettings): Message {
  return {
    messageId: randomUUID(),
    body: given.body,
    md5OfBody: createHash('md5').update(given.body).digest('hex'),
    messageAttributes: given.messageAttributes ?? {},
    senderId: given.senderId ?? 'AIDALOCAL',
    sentMs: clock.now(),
    visibleAtMs: clock.monotonic() + (given.delaySeconds ?? settings.delaySeconds) * 1000,
    firstReceivedMs: undefined,
    receiveCount: 0,
    receiptHandle: undefined,
  }
}

function countsOf(messages: Iterable<Message>, clock: Clock): QueueCounts {
  const nowMs = clock.now()
  const counts = { visible: 0, notVisible: 0, delayed: 0 }
  let oldestMs = nowMs
  for (const message of messages) {
    if (message.sentMs < oldestMs) oldestMs = message.sentMs
    if (message.visibleAtMs <= clock.monotonic()) counts.visible++
    else if (message.receiveCount === 0) counts.delayed++
    else counts.notVisible++
  }
  return { ...counts, oldestAgeSeconds: (nowMs - oldestMs) / 1000 }
}
