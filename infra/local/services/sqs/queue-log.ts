import {
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { appendAll } from '../../platform/append.ts'
import type { Disk } from '../../platform/disk.ts'
import { damageText, readSealedLines, sealLine } from '../../platform/sealed-lines.ts'
import type { Message } from './message.ts'

/** A file below this size is left as it is. */
const SMALL_BYTES = 256 * 1024
/** A file this many times larger than its messages is written anew, so that it never grows beyond that. */
const GROWTH = 2

type Line =
  | readonly ['put', Message]
  | readonly ['state', string, MessageState]
  | readonly ['gone', readonly string[]]

/** What a receive and a change of the visibility timeout change. */
type MessageState = Pick<
  Message,
  'visibleAtMs' | 'firstReceivedMs' | 'receiveCount' | 'receiptHandle'
>

/**
 * The messages of a queue on disk: JSON lines with checksums, each in the operating system's hands when the call returns, so that it survives `kill -9`
 * (not a power cut, which would need an fsync).
 */
export interface QueueLog {
  /** Throws AwsError `InternalFailure` (500) when the disk takes nothing; then the message is not there after a restart. */
  put(message: Message): void
  /**
   * Received, or hidden for another time. Never throws: without room a message that was received or removed comes again after a restart,
   * which at-least-once allows.
   */
  changed(message: Message): void
  gone(messageIds: readonly string[]): void
  close(): void
  /** Closes and forgets everything. */
  remove(): void
}

export interface QueueLogOptions {
  readonly file: string
  readonly disk: Disk
  /** One line for the person at the terminal. */
  readonly tell: (line: string) => void
  /** The queue's own: a message is in it before `put`, and out of it before `gone`. */
  readonly messages: Map<string, Message>
}

/** Opens the log of a queue and fills `messages` with what it keeps. A line that a killed process left unfinished is left out; a damaged one is told. */
export function openQueueLog(options: QueueLogOptions): QueueLog {
  const { file, disk, messages } = options
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  restore(options)
  /** Undefined: the file lacks something that the disk did not take, so it is written anew before anything is added. */
  let fd: number | undefined
  let bytes = 0
  let smallBytes = SMALL_BYTES

  const lag = (): void => {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }
  const rewrite = (): number => {
    const text = [...messages.values()].map((message) => lineOf(['put', message])).join('')
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
    lag()
    fd = openSync(file, 'a')
    bytes = Buffer.byteLength(text)
    smallBytes = Math.max(SMALL_BYTES, bytes * GROWTH)
    return fd
  }
  const append = (line: Line): void => {
    const to = fd ?? rewrite()
    bytes += appendAll(to, Buffer.from(lineOf(line)))
  }
  /** Housekeeping after the line is safe, so no reason to fail. */
  const shrink = (): void => {
    if (fd === undefined || (messages.size > 0 && bytes <= smallBytes)) return
    try {
      if (messages.size > 0) rewrite()
      else ftruncateSync(fd, 0)
      bytes = messages.size > 0 ? bytes : 0
    } catch (cause) {
      disk.failed(cause)
      smallBytes = bytes * GROWTH
    }
  }
  const note = (line: Line): void => {
    try {
      append(line)
    } catch (cause) {
      disk.failed(cause)
      lag()
    }
    shrink()
  }

  rewrite()
  return {
    put(message) {
      disk.admit()
      disk.write(() => {
        append(['put', message])
      })
      shrink()
    },
    changed({ messageId, visibleAtMs, firstReceivedMs, receiveCount, receiptHandle }) {
      const state = { visibleAtMs, firstReceivedMs, receiveCount, receiptHandle }
      note(['state', messageId, state])
    },
    gone(messageIds) {
      note(['gone', messageIds])
    },
    close() {
      if (fd === undefined) note(['gone', []])
      lag()
    },
    remove() {
      lag()
      rmSync(file, { force: true })
    },
  }
}

const lineOf = (line: Line): string => sealLine(JSON.stringify(line))

function restore({ file, messages, tell }: QueueLogOptions): void {
  if (!existsSync(file)) return
  const { texts, damaged } = readSealedLines(file)
  if (damaged.length > 0) {
    // The log is written anew from what could be read.
    copyFileSync(file, `${file}.damaged`)
    tell(damageText(`${file}.damaged`, damaged, 'line'))
  }
  for (const text of texts) {
    const line = JSON.parse(text) as Line
    if (line[0] === 'put') messages.set(line[1].messageId, line[1])
    else if (line[0] === 'gone') for (const id of line[1]) messages.delete(id)
    else {
      const message = messages.get(line[1])
      if (message) Object.assign(message, line[2])
    }
  }
}
