import type { Reading } from '../telemetry/reading.ts'

/** What is remembered of the counters of a device's boot. Part of its head, so small: it is written with every batch. */
export interface CounterWindow {
  readonly boot: string | null
  /** The largest counter of this boot, and which of the 64 counters up to it have been seen (bit 0 = the largest), in hex. */
  readonly counter: number | null
  readonly seen: string
  /** One of 64 letters for the values of each of the 16 counters up to the largest, the largest first; a dot where none was seen. */
  readonly marks?: string
}

const WINDOW = 64n
const WINDOW_MASK = (1n << WINDOW) - 1n
const MARKS = 16
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const NO_MARK = '.'

/**
 * Whether a reading came before: told by boot and counter together, within the last 64 counters; one without `boot` never did (M31).
 * `conflict`: with other values (M32), seen within the last 16 counters and 63 times of 64. More would cost every batch its writes, and a
 * device that gives two readings one counter does not do so once.
 */
export function recall(window: CounterWindow, reading: Reading): 'new' | 'duplicate' | 'conflict' {
  const { boot, n } = reading
  if (boot === null || n === null || window.boot !== boot || window.counter === null) return 'new'
  const age = BigInt(window.counter) - BigInt(n)
  const isKnown = age >= 0n && age < WINDOW && ((BigInt(`0x${window.seen}`) >> age) & 1n) === 1n
  if (!isKnown) return 'new'
  const mark = window.marks?.[Number(age)] ?? NO_MARK
  return mark === NO_MARK || mark === markOf(reading) ? 'duplicate' : 'conflict'
}

/** The window after a reading that was new. */
export function countersAfter(window: CounterWindow, reading: Reading): CounterWindow {
  const { boot, n } = reading
  if (n === null) return { boot, counter: null, seen: '0' }
  const mark = markOf(reading)
  if (window.boot !== boot || window.counter === null) {
    return { boot, counter: n, seen: '1', marks: mark }
  }
  const { seen, marks = '' } = window
  const step = BigInt(n) - BigInt(window.counter)
  if (step > 0n)
    return { boot, counter: n, seen: shifted(seen, step), marks: pushed(marks, step, mark) }
  return {
    boot,
    counter: window.counter,
    seen: marked(seen, -step),
    marks: put(marks, -step, mark),
  }
}

function shifted(seen: string, step: bigint): string {
  const before = step >= WINDOW ? 0n : (BigInt(`0x${seen}`) << step) & WINDOW_MASK
  return (before | 1n).toString(16)
}

function marked(seen: string, age: bigint): string {
  const bits = BigInt(`0x${seen}`)
  return (age < WINDOW ? bits | (1n << age) : bits).toString(16)
}

function pushed(marks: string, step: bigint, mark: string): string {
  const unseen = NO_MARK.repeat(step > MARKS ? MARKS : Number(step) - 1)
  return `${mark}${unseen}${marks}`.slice(0, MARKS)
}

function put(marks: string, age: bigint, mark: string): string {
  if (age >= MARKS) return marks
  const padded = marks.padEnd(Number(age), NO_MARK)
  return padded.slice(0, Number(age)) + mark + padded.slice(Number(age) + 1)
}

/** A letter that says little about the values, but nearly always which of two are not the same. FNV-1a over names and values. */
function markOf({ metrics }: Reading): string {
  let hash = 0
  // Summed up, so that the order in which a device names its metrics does not matter.
  for (const [name, value] of metrics) hash = (hash + hashOf(`${name}=${value}`)) | 0
  return LETTERS[(hash ^ (hash >>> 12) ^ (hash >>> 22)) & 63] ?? NO_MARK
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
